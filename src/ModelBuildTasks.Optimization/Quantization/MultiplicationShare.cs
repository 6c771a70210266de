using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>How the multiply–accumulates of a model fall on matrix products with constant weights, and on convolutions and recurrences.</summary>
/// <param name="Products">Multiply–accumulates of MatMul and Gemm.</param>
/// <param name="Others">Those of Conv, ConvTranspose, LSTM, GRU and RNN.</param>
internal readonly record struct MultiplicationShare(double Products, double Others)
{
    /// <summary>Stands for a size that the model leaves open, such as the length of a text or the side of an image.</summary>
    private const long OpenSize = 128;

    internal double OfProducts => Products + Others == 0 ? 0 : Products / (Products + Others);

    /// <summary>Counts from the shapes that ONNX Runtime infers; open batch sizes count as 1.</summary>
    internal static MultiplicationShare Of(Graph graph)
    {
        Dictionary<Value, TensorType> types = ShapeInference.Infer(graph);
        double products = 0, others = 0;
        foreach (Node node in graph.WithSubgraphs().SelectMany(g => g.Nodes).Where(node => node.Domain.Length == 0))
        {
            switch (node.OpType)
            {
                case "MatMul" or "Gemm" when node.Input(1)?.Constant is { Dimensions.Count: 2 } weight:
                    products += weight.Length * Product(types, node.Output, skipFirst: 0, skipLast: 1);
                    break;
                case "Conv" when node.Input(1)?.Constant is { } weight:
                    others += weight.Length * Product(types, node.Output, skipFirst: 2, skipLast: 0);
                    break;
                case "ConvTranspose" when node.Input(1)?.Constant is { } weight:
                    others += weight.Length * Product(types, node.Input(0)!, skipFirst: 2, skipLast: 0);
                    break;
                case "LSTM" or "GRU" or "RNN":
                    long weights = (node.Input(1)?.Constant?.Length ?? 0) + (node.Input(2)?.Constant?.Length ?? 0);
                    others += weights * Product(types, node.Input(0)!, skipFirst: 0, skipLast: 1);
                    break;
            }
        }

        return new MultiplicationShare(products, others);
    }

    private static double Product(Dictionary<Value, TensorType> types, Value value, int skipFirst, int skipLast)
    {
        IReadOnlyList<Dimension> shape = types.GetValueOrDefault(value)?.Shape ?? [];
        double product = 1;
        for (int axis = skipFirst; axis < shape.Count - skipLast; axis++)
        {
            product *= shape[axis].Size ?? (axis == 0 ? 1 : OpenSize);
        }

        return product;
    }
}
