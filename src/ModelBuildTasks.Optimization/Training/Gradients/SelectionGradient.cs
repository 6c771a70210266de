using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Operators whose every output element is one element of X, which one being told by other inputs and attributes in a way of its own. The operator itself,
/// applied to the numbers of the elements of X, tells where each came from; ∂X sums at each element of X what went out from it.
/// </summary>
internal sealed class SelectionGradient(string opType) : IGradientRule
{
    /// <summary>The operator set of ScatterElements with a sum.</summary>
    private const long LowestOpset = 16;

    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context) => Differentiate(node, node.Inputs.Skip(1), context);

    /// <param name="node">The node that is differentiated.</param>
    /// <param name="others">Its inputs behind the first that tell which elements it takes.</param>
    /// <param name="context">Where to add operators.</param>
    public static void Differentiate(Node node, IEnumerable<Value?> others, GradientContext context)
    {
        Value input = node.Input(0)!;
        long[] shape = context.Shape(input);
        long[] numbers = [.. Enumerable.Range(0, (int)shape.Product()).Select(i => (long)i)];
        Value numbered = context.Graph.AddInitializer("numbers", Tensor.Create(shape, numbers));
        Node origin = context.Graph.AddNode(node.OpType, [numbered, .. others]);
        origin.CopyAttributesFrom(node);
        Value sum = ScatterSum(node, [numbers.Length], context.Reshape(origin.Output, -1), context.Reshape(context.Gradient(node.Output), -1), axis: 0, context);
        context.Contribute(input, context.Reshape(sum, shape));
    }

    /// <summary>A tensor of <paramref name="shape"/> that holds at each index along an axis the sum of the values for it.</summary>
    /// <param name="node">The node that is differentiated.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <param name="indices">Whole numbers, of the shape of the values.</param>
    /// <param name="values">What is summed.</param>
    /// <param name="axis">The axis that the indices are of; the other places are the values' own.</param>
    /// <param name="context">Where to add operators.</param>
    public static Value ScatterSum(Node node, long[] shape, Value indices, Value values, long axis, GradientContext context)
    {
        if (context.Graph.Model.Opset < LowestOpset)
        {
            throw new GradientException(node, $"it needs operator set {LowestOpset} or later; the model has {context.Graph.Model.Opset}");
        }

        return context.Graph.AddNode("ScatterElements", [context.Zeros(shape), indices, values]).Set("axis", axis).Set("reduction", "add").Output;
    }
}
