using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Transpose(f(Transpose(x, p)), q) → Transpose(Transpose(f(x), p), q) for elementwise f, so that <see cref="MergeTransposes"/> makes one or none of the
/// two, and what f adds or multiplies by channel meets the layer that x comes from. f is any number of operators in a row that take each element by
/// itself, or with a constant: f(T(x), T(c)) = T(f(x, c)), as broadcasting lines up the same axes. A constant that varies along one axis only is
/// given the dimensions that put this axis where p takes it from; its elements stay in order. Converters from channels-last frameworks write each layer so.
/// </summary>
internal sealed class MeetTransposes : IGraphRule
{
    private static readonly HashSet<string> Unary = new(StringComparer.Ordinal)
    {
        "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Gelu", "Mish", "ThresholdedRelu",
        "Abs", "Neg", "Exp", "Log", "Sqrt", "Erf", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Cast", "Clip",
    };

    private static readonly HashSet<string> Binary = new(StringComparer.Ordinal) { "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu" };

    public string Name => "transposes brought together";

    public bool Matches(Node node) => IsTranspose(node);

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        List<(Node Node, int Input)> between = [];
        Value? value = node.Input(0);
        while (value is { Uses.Count: 1, IsOutput: false, Producer: { } producer } && producer.Graph == node.Graph && MovedInput(producer) is { } input)
        {
            between.Add((producer, input));
            value = producer.Input(input);
        }

        if (between.Count == 0 || value is not { Uses.Count: 1, IsOutput: false, Producer: { } first } || !IsTranspose(first) || first.Graph != node.Graph
            || StatedIntegers.Order(first) is not { } order || first.Input(0) is not { } x)
        {
            return RuleOutcome.NotApplicable;
        }

        // In the place of each constant, what it becomes; null where it varies along several axes.
        Tensor?[] moved = [.. between.Select(step => Constant(step) is { } constant ? Before(constant, order) : null)];
        if (between.Zip(moved).Any(pair => Constant(pair.First) is not null && pair.Second is null))
        {
            return RuleOutcome.Refused($"a constant between {LinearLayer.Describe(first)} and it varies along several axes");
        }

        Value made = x;
        for (int i = between.Count - 1; i >= 0; i--)
        {
            made = Moved(between[i], made, moved[i]);
        }

        node.SetInput(0, node.Graph.AddNode("Transpose", [made], name: first.Name).Set("perm", order).Output);
        foreach (Node read in between.Select(step => step.Node).Append(first))
        {
            node.Graph.Remove(read);
        }

        return RuleOutcome.Applied;
    }

    private static Value Moved((Node Node, int Input) step, Value x, Tensor? constant)
    {
        Value?[] inputs = [.. step.Node.Inputs];
        inputs[step.Input] = x;
        if (constant is not null && constant.Dimensions.Count > 0)
        {
            inputs[1 - step.Input] = step.Node.Graph.AddInitializer(inputs[1 - step.Input]!.Name, constant);
        }

        Node moved = step.Node.Graph.AddNode(step.Node.OpType, inputs, name: step.Node.Name);
        moved.CopyAttributesFrom(step.Node);
        return moved.Output;
    }

    private static bool IsTranspose(Node node) => node is { OpType: "Transpose", Domain: "" };

    /// <summary>The input whose axes are those of the output: of two the one that is no constant; null when the operator looks beyond one element.</summary>
    private static int? MovedInput(Node node)
    {
        if (node.Domain.Length > 0 || node.Outputs.Count != 1)
        {
            return null;
        }

        if (Unary.Contains(node.OpType))
        {
            return node.Input(0)?.Constant is null ? 0 : null;
        }

        int input = node.Input(0)?.Constant is null ? 0 : 1;
        // The slope of a PRelu, its second input, does not widen the first.
        return Binary.Contains(node.OpType) && (input == 0 || node.OpType != "PRelu") && node.Inputs.Count == 2 && node.Input(input) is { Constant: null } && node.Input(1 - input)?.Constant is not null ? input : null;
    }

    private static Tensor? Constant((Node Node, int Input) step) => Binary.Contains(step.Node.OpType) ? step.Node.Input(1 - step.Input)!.Constant : null;

    /// <summary>The constant that gives <paramref name="constant"/> when it is transposed; null when its elements would change their order.</summary>
    private static Tensor? Before(Tensor constant, long[] order)
    {
        if (constant.Length == 1 && constant.Dimensions.Count <= order.Length)
        {
            return constant;
        }

        if (constant.Dimensions.Count > order.Length || constant.Dimensions.Count(size => size != 1) > 1)
        {
            return null;
        }

        long[] before = [.. Enumerable.Repeat(1L, order.Length)];
        int offset = order.Length - constant.Dimensions.Count;
        for (int i = 0; i < constant.Dimensions.Count; i++)
        {
            before[order[i + offset]] = constant.Dimensions[i];
        }

        return constant.WithDimensions(before);
    }
}
