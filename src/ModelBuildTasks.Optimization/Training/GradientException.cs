using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

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
