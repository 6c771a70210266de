using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>How gradients pass one operator, as standard ONNX operators.</summary>
internal interface IGradientRule
{
    /// <summary>The operator of the standard domain that the rule is for.</summary>
    string OpType { get; }

    /// <summary>Whether the rule reads the gradient of every output. One that does not is not asked when the loss depends on an output behind the first.</summary>
    bool CoversEveryOutput => false;

    /// <summary>Whether the rule's operators are right for values of a type of real numbers. All are for float; one that adds constants or casts to float is for no other.</summary>
    bool Covers(ElementType type) => type == ElementType.Float;

    /// <summary>Whether the node's output changes with small changes of an input. Behind one that does not, no gradient is looked for.</summary>
    bool Passes(Node node) => true;

    /// <summary>
    /// Reads ∂loss/∂output of <paramref name="node"/> and adds what it contributes to ∂loss/∂input, for each input that
    /// <see cref="GradientContext.Needs"/> one.
    /// </summary>
    /// <exception cref="GradientException">A form of the operator that the rule does not cover; then the parameters behind the node get no gradient at all.</exception>
    void Differentiate(Node node, GradientContext context);
}
