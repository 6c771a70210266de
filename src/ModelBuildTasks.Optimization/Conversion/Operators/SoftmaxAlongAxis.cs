using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>
/// Until version 12, Softmax, LogSoftmax and Hardmax see their input as a matrix, split at <c>axis</c> (default 1), and
/// normalize its rows. Since version 13 they normalize along the one axis. Both agree when all later dimensions are 1;
/// otherwise the matrix is made explicit: Flatten, the operator, Reshape.
/// </summary>
internal sealed class SoftmaxAlongAxis(string opType) : OperatorConversion(opType, 13)
{
    private const long FormerDefault = 1;

    internal override bool ReadsTypes => true;

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        long axis = node.GetInt("axis", FormerDefault);
        node.Set("axis", axis);
        if (LaterDimensionsAreOne(types.GetValueOrDefault(node.Inputs[0]!)?.Shape, axis))
        {
            return;
        }

        Graph graph = node.Graph;
        Value input = node.Inputs[0]!;
        Node flatten = graph.AddNode("Flatten", [input], name: node.Output.Name + "_rows").Set("axis", axis);
        Value shape = graph.AddNode("Shape", [input], name: node.Output.Name + "_shape").Output;
        Node rows = graph.AddNode(node.OpType, [flatten.Output], name: node.Output.Name + "_normalized").Set("axis", 1L);
        Node reshape = graph.AddNode("Reshape", [rows.Output, shape], name: node.Name);
        node.Output.ReplaceWith(reshape.Output);
        graph.Remove(node);
    }

    private static bool LaterDimensionsAreOne(IReadOnlyList<Dimension>? shape, long axis) =>
        axis == -1 || (shape is not null && axis < shape.Count && shape.Skip((int)(axis < 0 ? axis + shape.Count : axis) + 1).All(dimension => dimension.Size == 1));
}
