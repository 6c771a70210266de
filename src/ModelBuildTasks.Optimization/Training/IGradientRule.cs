using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>How gradients pass one operator, as standard ONNX operators.</summary>
public interface IGradientRule
{
    /// <summary>The operator of the standard domain that the rule is for.</summary>
    string OpType { get; }

    /// <summary>
    /// Reads ∂loss/∂output of <paramref name="node"/> and adds what it contributes to ∂loss/∂input, for each input that
    /// <see cref="GradientContext.Needs"/> one.
    /// </summary>
    /// <exception cref="GradientException">A form of the operator that the rule does not cover.</exception>
    void Differentiate(Node node, GradientContext context);
}

/// <summary>A graph cannot be differentiated; the message names the node and says why.</summary>
public sealed class GradientException : Exception
{
    public GradientException(string message) : base(message)
    {
    }

    public GradientException(Node node, string reason) : base($"No gradient through {node.OpType} '{(node.Name.Length > 0 ? node.Name : node.Output.Name)}': {reason}.")
    {
    }
}
