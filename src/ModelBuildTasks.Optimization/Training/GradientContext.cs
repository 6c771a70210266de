using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>What a gradient rule works with: the graph it adds to, the gradients so far, and the shape of every value.</summary>
internal sealed class GradientContext
{
    /// <summary>2¹⁰⁰: the step from 6 to the next number times it is far above 1, and so is all from 10⁻³⁰ on.</summary>
    private const float Steepness = 1.2676506e30f;

    /// <summary>What times 2¹⁰⁰ is a number yet.</summary>
    public const float LargestLimit = 1 << 27;

    private readonly HashSet<Value> wanted;
    private readonly IReadOnlyDictionary<Value, long[]> shapes;
    private readonly Dictionary<Value, List<Value>> contributions = [];
    private readonly HashSet<Value> blocked = [];
    private readonly List<(Node Node, string Reason, HashSet<Value> Behind)> refusals = [];

    internal GradientContext(Graph graph, HashSet<Value> wanted, IReadOnlyDictionary<Value, long[]> shapes)
    {
        Graph = graph;
        this.wanted = wanted;
        this.shapes = shapes;
    }

    /// <summary>The graph that is differentiated, and to which the gradient's operators are added.</summary>
    public Graph Graph { get; }

    /// <summary>The nodes through which no gradient passes, why, and what lies behind them.</summary>
    internal IReadOnlyList<(Node Node, string Reason, HashSet<Value> Behind)> Refusals => refusals;

    /// <summary>Whether a parameter lies at or behind this value, so that its gradient is wanted, and no part of that gradient is missing.</summary>
    public bool Needs(Value? value) => value is not null && wanted.Contains(value) && !blocked.Contains(value);

    /// <summary>The shape of a value of the forward graph, batch included.</summary>
    /// <exception cref="GradientException">It is not known: the value is no tensor, or nothing reads it.</exception>
    public long[] Shape(Value value) =>
        shapes.TryGetValue(value, out long[]? shape) ? shape : throw new GradientException($"No gradient through '{value.Name}': its shape is not known.");

    /// <summary>An axis of <paramref name="value"/>, counted from the first; a negative one is counted from the last.</summary>
    public int Axis(long axis, Value value) => (int)(axis < 0 ? axis + Shape(value).Length : axis);

    /// <summary>All axes of <paramref name="value"/> but one.</summary>
    public IEnumerable<long> AxesBut(int axis, Value value) => Enumerable.Range(0, Shape(value).Length).Where(other => other != axis).Select(other => (long)other);

    /// <summary>∂loss/∂<paramref name="value"/>: the sum of what its readers contributed, in the value's shape.</summary>
    public Value Gradient(Value value)
    {
        List<Value> parts = contributions[value];
        if (parts.Count > 1)
        {
            contributions[value] = parts = [Graph.AddNode("Sum", parts).Output];
        }

        return parts[0];
    }

    /// <summary>Whether the loss depends on the value by a path that was differentiated.</summary>
    public bool HasGradient(Value value) => contributions.ContainsKey(value);

    /// <summary>Whether the loss depends on the value, be it by a path that a refused node cuts.</summary>
    internal bool IsReached(Value value) => HasGradient(value) || blocked.Contains(value);

    /// <summary>Whether a parameter lies behind the node.</summary>
    internal bool IsBehind(Node node) => Dependence.Reads(node).Any(wanted.Contains);

    /// <summary>Notes that no gradient passes the node. All that lies behind it would have a part of its gradient missing, so it gets none.</summary>
    internal void Refuse(Node node, GradientException reason) => Refuse(node, Dependence.Reads(node), reason);

    /// <summary>For a rule that covers an operator but one input: what lies behind that input, if anything, gets no gradient.</summary>
    internal void RefuseInput(Node node, Value? input, string reason)
    {
        if (Needs(input))
        {
            Refuse(node, [input!], new GradientException(node, reason));
        }
    }

    /// <inheritdoc cref="Refuse(Node, GradientException)"/>
    internal void Refuse(Node node, string reason) => Refuse(node, new GradientException(node, reason));

    private void Refuse(Node node, IEnumerable<Value> inputs, GradientException reason)
    {
        HashSet<Value> behind = Dependence.Before(inputs, wanted);
        blocked.UnionWith(behind);
        refusals.Add((node, reason.Message, behind));
    }

    /// <summary>Adds a part of ∂loss/∂<paramref name="value"/>; it must have the value's shape.</summary>
    public void Contribute(Value value, Value gradient)
    {
        if (!contributions.TryGetValue(value, out List<Value>? parts))
        {
            contributions[value] = parts = [];
        }

        parts.Add(gradient);
    }

    /// <summary>As <see cref="Contribute"/>, for an operand that was broadcast: the gradient is summed over the broadcast axes first.</summary>
    public void ContributeReduced(Value operand, Value gradient, ReadOnlySpan<long> gradientShape) =>
        Contribute(operand, SumTo(gradient, gradientShape, Shape(operand)));

    /// <summary>Undoes a broadcast: the sum of <paramref name="value"/> over the axes along which <paramref name="to"/> is 1 or has no axis.</summary>
    /// <param name="value">What was broadcast.</param>
    /// <param name="from">Its shape.</param>
    /// <param name="to">A shape that can be broadcast to <paramref name="from"/>.</param>
    public Value SumTo(Value value, ReadOnlySpan<long> from, long[] to)
    {
        int added = from.Length - to.Length;
        List<long> axes = [.. Enumerable.Range(0, added).Select(axis => (long)axis)];
        for (int axis = added; axis < from.Length; axis++)
        {
            if (to[axis - added] == 1 && from[axis] != 1)
            {
                axes.Add(axis);
            }
        }

        Value reduced = axes.Count > 0 ? ReduceSum(value, keepAxes: true, [.. axes]) : value;
        return added > 0 ? Reshape(reduced, to) : reduced;
    }

    /// <summary>A constant. The values are copied, as a rule may go on to change them.</summary>
    public Value Integers(params long[] values) => Graph.AddInitializer("integers", Tensor.Vector([.. values]));

    public Value Number(float value) => Graph.AddInitializer("number", Tensor.Scalar(value));

    public Value Reshape(Value value, params long[] shape) => Graph.Add("Reshape", value, Integers(shape));

    public Value Transpose(Value value, params long[] permutation) => Graph.AddNode("Transpose", [value]).Set("perm", permutation).Output;

    public Value Zeros(params long[] shape) => Graph.Add("Expand", Number(0), Integers(shape));

    /// <summary>The value as float: 1 where a condition is true and 0 elsewhere, whole numbers as they are.</summary>
    public Value Float(Value value) => Graph.AddNode("Cast", [value]).Set("to", (long)ElementType.Float).Output;

    /// <summary>
    /// 1 where the value is above a limit and 0 elsewhere, in one quick pass, where comparing, casting and choosing are three slow ones: a HardSigmoid so steep that no number lies on its slope.
    /// A power of two makes its product exact.
    /// </summary>
    /// <param name="value">Any float.</param>
    /// <param name="limit">Of a size below <see cref="LargestLimit"/>.</param>
    public Value IsAbove(Value value, float limit) => Graph.AddNode("HardSigmoid", [value]).Set("alpha", Steepness).Set("beta", -Steepness * limit).Output;

    /// <summary>1 where the value is below a limit and 0 elsewhere.</summary>
    /// <inheritdoc cref="IsAbove"/>
    public Value IsBelow(Value value, float limit) => Graph.AddNode("HardSigmoid", [value]).Set("alpha", -Steepness).Set("beta", Steepness * limit).Output;

    public Value Square(Value value) => Graph.Add("Mul", value, value);

    public Value Times(Value value, float factor) => Graph.Add("Mul", value, Number(factor));

    public Value Plus(Value value, float summand) => Graph.Add("Add", value, Number(summand));

    public Value OneMinus(Value value) => Graph.Add("Sub", Number(1), value);

    /// <summary>The sum over axes; over none it is the value itself, where the operator without axes would sum over all.</summary>
    public Value ReduceSum(Value value, bool keepAxes, params long[] axes) =>
        axes.Length == 0 ? value : Graph.AddNode("ReduceSum", [value, Integers(axes)]).Set("keepdims", keepAxes ? 1 : 0).Output;
}
