using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Operators whose every output element is one element of X, which one being told by other inputs and attributes. The operator itself,
/// applied to the numbers of the elements of X, tells where each came from; ∂X sums at each element of X what went out from it.
/// </summary>
internal sealed class SelectionGradient(string opType) : IGradientRule
{
    /// <summary>The operator set of ScatterElements with a sum.</summary>
    private const long LowestOpset = 16;

    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        long[] shape = context.Shape(input);
        long[] numbers = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size)).Select(i => (long)i)];
        Value numbered = context.Graph.AddInitializer("numbers", Tensor.Create(shape, numbers));
        Node origin = context.Graph.AddNode(opType, [numbered, .. node.Inputs.Skip(1)]);
        origin.CopyAttributesFrom(node);
        context.Contribute(input, ScatterSum(node, origin.Output, context.Gradient(node.Output), shape, context));
    }

    /// <summary>A tensor of <paramref name="shape"/> that holds, at each number of an element, the sum of the values for that number.</summary>
    /// <param name="node">The node that is differentiated.</param>
    /// <param name="numbers">Numbers of elements in row-major order, int64, of any shape.</param>
    /// <param name="values">As many values.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <param name="context">Where to add operators.</param>
    public static Value ScatterSum(Node node, Value numbers, Value values, long[] shape, GradientContext context)
    {
        if (context.Graph.Model.Opset < LowestOpset)
        {
            throw new GradientException(node, $"it needs operator set {LowestOpset} or later; the model has {context.Graph.Model.Opset}");
        }

        Value zeros = context.Zeros(shape.Aggregate(1L, (product, size) => product * size));
        Node sum = context.Graph.AddNode("ScatterElements", [zeros, context.Reshape(numbers, -1), context.Reshape(values, -1)]);
        return context.Reshape(sum.Set("axis", 0).Set("reduction", "add").Output, shape);
    }
}
