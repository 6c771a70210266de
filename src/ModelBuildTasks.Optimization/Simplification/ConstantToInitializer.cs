using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>Constant() → initializer of the same name. The same tensor, in the form that every rule and quantizer looks at.</summary>
internal sealed class ConstantToInitializer : IGraphRule
{
    public string Name => "constant to initializer";

    public bool Matches(Node node) => node is { OpType: "Constant", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        Value output = node.Output;
        if (output.IsOutput || output.Constant is not { } tensor || tensor.ElementType == ElementType.Undefined)
        {
            // The graph hands the constant itself out, or it is sparse or a list of strings.
            return RuleOutcome.NotApplicable;
        }

        string name = output.Name;
        Value initializer = node.Graph.AddInitializer(name, tensor);
        output.ReplaceWith(initializer);
        node.Graph.Remove(node);
        initializer.Name = initializer.Graph.UniqueName(name);
        return RuleOutcome.Applied;
    }
}
