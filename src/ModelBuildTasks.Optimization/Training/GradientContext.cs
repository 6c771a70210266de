using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>What a gradient rule works with: the graph it adds to, the gradients so far, and the shape of every value.</summary>
public sealed class GradientContext
{
    private readonly HashSet<Value> wanted;
    private readonly IReadOnlyDictionary<Value, long[]> shapes;
    private readonly Dictionary<Value, List<Value>> contributions = [];

    internal GradientContext(Graph graph, HashSet<Value> wanted, IReadOnlyDictionary<Value, long[]> shapes)
    {
        Graph = graph;
        this.wanted = wanted;
        this.shapes = shapes;
    }

    /// <summary>The graph that is differentiated, and to which the gradient's operators are added.</summary>
    public Graph Graph { get; }

    /// <summary>Whether a parameter lies at or behind this value, so that its gradient is wanted.</summary>
    public bool Needs(Value? value) => value is not null && wanted.Contains(value);

    /// <summary>The shape of a value of the forward graph, batch included.</summary>
    public long[] Shape(Value value) => shapes[value];

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
    public void ContributeReduced(Value operand, Value gradient, ReadOnlySpan<long> gradientShape)
    {
        long[] shape = Shape(operand);
        int added = gradientShape.Length - shape.Length;
        List<long> axes = [.. Enumerable.Range(0, added).Select(axis => (long)axis)];
        for (int axis = added; axis < gradientShape.Length; axis++)
        {
            if (shape[axis - added] == 1 && gradientShape[axis] != 1)
            {
                axes.Add(axis);
            }
        }

        Value reduced = axes.Count > 0 ? ReduceSum(gradient, keepAxes: true, [.. axes]) : gradient;
        Contribute(operand, added > 0 ? Reshape(reduced, shape) : reduced);
    }

    public Value Integers(params long[] values) => Graph.AddInitializer("integers", Tensor.Vector(values));

    public Value Number(float value) => Graph.AddInitializer("number", Tensor.Scalar(value));

    public Value Reshape(Value value, params long[] shape) => Graph.Add("Reshape", value, Integers(shape));

    public Value Transpose(Value value, params long[] permutation) => Graph.AddNode("Transpose", [value]).Set("perm", permutation).Output;

    public Value ReduceSum(Value value, bool keepAxes, params long[] axes) =>
        Graph.AddNode("ReduceSum", [value, Integers(axes)]).Set("keepdims", keepAxes ? 1 : 0).Output;
}
