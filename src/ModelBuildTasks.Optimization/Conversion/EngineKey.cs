using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Ends the names of a model's graphs in a digest of the model. ONNX Runtime's TensorRT provider keeps a compiled engine under the names of the graph, of its inputs and of what its nodes give, the device, and the versions of
/// ONNX Runtime, CUDA and TensorRT, but neither weights nor shapes are part of that (TRTGenerateId; ONNX Runtime, issue 32254): a model that was trained again would run with the engine of the one before.
/// </summary>
public static class EngineKey
{
    /// <summary>64 of 256 bits: two models of one app meet by chance once in 10¹⁹.</summary>
    private const int Digits = 16;

    /// <summary>Names the graphs, nested ones included.</summary>
    public static void Write(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        string digest = model.Digest()[..Digits];
        foreach (Graph graph in model.Graph.WithSubgraphs())
        {
            graph.Name = $"{graph.Name}_{digest}";
        }
    }
}
