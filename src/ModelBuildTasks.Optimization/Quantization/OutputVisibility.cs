using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Whether the rounding of a layer's result shows in an output of the model as it is. A further layer or a pooling averages it; elementwise
/// operators, moves and concatenations pass it on. Detectors and regressors lose their precision in such last convolutions, which are a small
/// part of the work.
/// </summary>
internal static class OutputVisibility
{
    internal static bool IsVisible(Node layer)
    {
        HashSet<Value> seen = [];
        Stack<Value> pending = new(layer.Outputs);
        while (pending.TryPop(out Value? value))
        {
            if (!seen.Add(value))
            {
                continue;
            }

            if (value.IsOutput || value.Graph != layer.Graph)
            {
                return true;
            }

            foreach (Node reader in value.Uses.Select(use => use.Node).Where(reader => !Averages(reader)))
            {
                foreach (Value output in reader.Outputs)
                {
                    pending.Push(output);
                }
            }
        }

        return false;
    }

    private static bool Averages(Node node) =>
        node.OpType is "Conv" or "ConvTranspose" or "MatMul" or "Gemm" or "Einsum" or "LSTM" or "GRU" or "RNN" or "Attention"
            or "GlobalAveragePool" or "ReduceMean" or "ReduceSum" or "ArgMax";
}
