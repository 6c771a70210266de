using Microsoft.ML.OnnxRuntime;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>What ONNX Runtime makes of a model when it loads it.</summary>
internal static class OptimizedGraph
{
    /// <summary>How often each operator stands in the graph that the runtime executes, branches and loop bodies included.</summary>
    internal static Dictionary<string, int> Operators(Model model) =>
        Of(model).Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).CountBy(node => node.OpType).ToDictionary();

    /// <summary>The graph that the runtime executes.</summary>
    internal static Model Of(Model model)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        try
        {
            using SessionOptions options = new() { OptimizedModelFilePath = path, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            using (InferenceSession session = new(model.ToBytes(), options))
            {
            }

            return Model.Load(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
