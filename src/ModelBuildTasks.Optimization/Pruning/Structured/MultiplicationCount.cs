using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>The multiplications of a model's layers with float weights: what structured pruning makes fewer, and zeros among the weights do not.</summary>
public static class MultiplicationCount
{
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="example">A sample, whose run tells sizes that the model leaves open; null where there is none, and open sizes then count as 1.</param>
    /// <returns>Multiplications of one run; null when there are no such layers, or the model does not run, which is for its verification to tell.</returns>
    public static long? Of(Model model, Sample? example)
    {
        try
        {
            return new LatencyModel(DependencyGraph.Of(model), example).Multiplications(new HashSet<int>()) is > 0 and var count ? (long)count : null;
        }
        catch (InferenceException)
        {
            return null;
        }
    }
}
