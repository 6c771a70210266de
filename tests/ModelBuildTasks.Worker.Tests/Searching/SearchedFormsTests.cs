using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>Searches for artifacts that are more than one ONNX file, or none, and one with clocks.</summary>
[TestClass]
public sealed class SearchedFormsTests : SearchedModel
{
    [TestMethod]
    public void What_is_chosen_in_two_files_is_whole_and_nothing_else_is_left()
    {
        OptimizationPipeline pipeline = new(new Progress<PipelineProgress>(), largestFile: 10_000);

        OptimizationResult result = pipeline.Run(Request(request => (request.Settings.Objective, request.Settings.Pruning) = (Objective.Size, Pruning.Auto)), CancellationToken.None);

        Assert.IsNotNull(result.ExternalData);
        CollectionAssert.AreEquivalent(new[] { Path.GetFileName(place.OutputPath), result.ExternalData }, Directory.GetFiles(place["obj"]).Select(Path.GetFileName).ToArray());
        using ModelSession session = ModelSession.Open(place.OutputPath);
        Assert.AreEqual(result.Optimized!.Bytes, Chosen(result).Bytes);
    }

    [TestMethod]
    public void What_ships_in_ORT_format_is_compared_in_ORT_format()
    {
        OptimizationResult result = Search(request => (request.Settings.Objective, request.Settings.Format) = (Objective.Size, ArtifactFormat.Ort));

        Assert.AreEqual(result.Optimized!.Bytes, Chosen(result).Bytes);
        Assert.AreEqual(result.Optimized.Bytes, new FileInfo(place.OutputPath).Length);
    }

    [TestMethod]
    public void Where_latency_is_measured_each_ratio_lies_in_its_interval_and_all_is_tried()
    {
        OptimizationResult result = Search(request => request.Measurement = Measurement.Auto);

        // Another test may keep measuring, and then there is none.
        Assert.IsEmpty(result.Search!.Trials.Where(trial => trial.LatencyLow > trial.LatencyRatio || trial.LatencyRatio > trial.LatencyHigh));
        StringAssert.EndsWith(result.Search.Decision, ".");
        Assert.IsFalse(result.Search.IsCutShort);
    }
}
