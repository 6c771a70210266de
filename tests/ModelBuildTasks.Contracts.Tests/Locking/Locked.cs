using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Tests.Locking;

/// <summary>What a build made, for tests: 1,000 bytes that lost one of 1,000 samples and take 0.4 of the original's time.</summary>
internal static class Locked
{
    public const string Processor = "Some Processor (X64)";

    public static OptimizationRequest Request(Action<OptimizationRequest>? change = null)
    {
        var request = new OptimizationRequest { ModelPath = "/home/somebody/digits.onnx", Name = "digits", Target = "cpu", Worker = "worker" };
        request.Inputs.Add(new InputDigest { Role = "model", Path = request.ModelPath, Sha256 = "5000" });
        change?.Invoke(request);
        return request;
    }

    public static OptimizationResult Result(Action<OptimizationResult>? change = null)
    {
        var result = new OptimizationResult
        {
            Succeeded = true,
            ArtifactSha256 = "a000",
            Pinned = new PinnedRecipe { Precision = Precision.Int8, Quantization = Quantization.Static, FloatNodes = ["scores"] },
            ArtifactPath = "/home/somebody/obj/digits.onnx",
            Optimized = new ModelFigures { Bytes = 1000, Accuracy = 0.986, LatencyMilliseconds = 0.05 },
            AccuracyDrop = new AccuracyDrop { Metric = Metric.Top1, Samples = 1000, Value = 0.001, Low = 0, High = 0.003 },
            LatencyRatio = new LatencyRatio { Measured = true, Value = 0.4, Low = 0.39, High = 0.41, Pairs = 500, Processor = Processor, Threads = 1 },
        };
        result.Recipe.Add(new RecipeStep { Name = "simplification", Applied = true, Explanation = "28 → 20 nodes" });
        result.Recipe.Add(new RecipeStep { Name = "pruning", Applied = false, Explanation = "not asked for" });
        result.Recipe.Add(new RecipeStep { Name = "static int8 quantization", Applied = true, Explanation = "7 of 9" });
        change?.Invoke(result);
        return result;
    }

    public static LockEntry Entry(Action<OptimizationRequest>? request = null, Action<OptimizationResult>? result = null) => LockEntry.Of(Request(request), Result(result));
}
