using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What one file can't hold, with a limit that a small model passes.</summary>
[TestClass]
public sealed class ArtifactInTwoFilesTests : IDisposable
{
    private const long Limit = 256 << 10;

    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    private string Output => Path.GetDirectoryName(place.OutputPath)!;

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void The_two_files_load_together_wherever_they_are_put()
    {
        OptimizationResult result = Run(Pruned());
        string elsewhere = Directory.CreateDirectory(place["app"]).FullName;
        File.Copy(place.OutputPath, Path.Combine(elsewhere, "model.cpu.onnx"));
        File.Copy(Data(result), Path.Combine(elsewhere, result.ExternalData!));
        Directory.Delete(Output, recursive: true);

        using ModelSession session = ModelSession.Open(Path.Combine(elsewhere, "model.cpu.onnx"));

        Assert.HasCount(1, session.Run([Tensor.Create([1, 64], new float[64])]));
    }

    [TestMethod]
    public void Both_files_count_and_the_digest_of_the_one_tells_of_the_other()
    {
        OptimizationResult result = Run(Pruned());

        Assert.IsTrue(result.Succeeded);
        Assert.AreEqual(new FileInfo(place.OutputPath).Length + new FileInfo(Data(result)).Length, result.Optimized!.Bytes);
        Assert.AreEqual(ContentDigest.OfFile(place.OutputPath), result.ArtifactSha256);
        Assert.AreEqual($"cpu.{ContentDigest.OfFile(Data(result))}.data", result.ExternalData);
    }

    [TestMethod]
    public void A_size_budget_is_judged_by_both_files()
    {
        OptimizationRequest request = Pruned();
        request.Budgets.MaxSizeBytes = Limit;

        Assert.IsTrue(Run(request).Diagnostics.Any(diagnostic => diagnostic.Code == "MBT2004"));
    }

    [TestMethod]
    public void Nothing_else_stays_in_the_folder()
    {
        OptimizationResult result = Run(Pruned());

        CollectionAssert.AreEquivalent(new[] { place.OutputPath, Data(result) }, Directory.GetFiles(Output));
    }

    [TestMethod]
    public void Both_files_come_from_the_cache()
    {
        OptimizationResult made = Run(Pruned());
        byte[] weights = File.ReadAllBytes(Data(made));
        Directory.Delete(Output, recursive: true);

        OptimizationResult restored = Run(Pruned());

        Assert.IsTrue(restored.FromCache);
        Assert.AreEqual(made.ExternalData, restored.ExternalData);
        CollectionAssert.AreEqual(weights, File.ReadAllBytes(Data(restored)));
    }

    [TestMethod]
    public void Both_files_come_from_the_cache_without_a_worker()
    {
        OptimizationRequest request = Pruned();
        OptimizationResult made = Run(request);
        byte[] weights = File.ReadAllBytes(Data(made));
        Directory.Delete(Output, recursive: true);
        Directory.CreateDirectory(Output);

        OptimizationResult restored = CachedResult.TryRestore(new ArtifactStore(place.Cache), request)!;

        CollectionAssert.AreEqual(weights, File.ReadAllBytes(Data(restored)));
    }

    [TestMethod]
    public void A_cache_that_lost_the_weights_has_nothing()
    {
        OptimizationResult made = Run(Pruned());
        string kept = Directory.GetFiles(Path.Combine(place.Cache, "cas"), "*", SearchOption.AllDirectories).Single(file => Path.GetFileName(file) == ContentDigest.OfFile(Data(made)));
        File.Delete(kept);
        Directory.Delete(Output, recursive: true);

        OptimizationResult again = Run(Pruned());

        Assert.IsFalse(again.FromCache);
        Assert.IsTrue(File.Exists(Data(again)));
    }

    [TestMethod]
    public void It_is_not_given_to_others()
    {
        using CacheServer server = new();
        OptimizationRequest request = Pruned();
        (request.RemoteCache, request.EvaluationData) = (server.Url, place.WriteData("evaluation"));

        OptimizationResult result = Run(request);

        Assert.IsNotNull(result.ExternalData);
        Assert.IsFalse(result.Diagnostics.Any(diagnostic => diagnostic.Code == "MBT1007"));
        Assert.IsTrue(server.Requests.All(asked => asked.StartsWith("GET ", StringComparison.Ordinal)), string.Join("\n", server.Requests));
    }

    [TestMethod]
    public void A_source_in_two_files_passes_through_in_two()
    {
        Model.Load(place.ModelPath).Save(place.ModelPath, WeightPlacement.External);

        OptimizationResult result = Run(place.Request(request => request.Settings.Precision = Precision.Float32));

        Assert.IsTrue(result.Succeeded);
        Assert.IsFalse(result.Recipe.Any(step => step.Applied));
        CollectionAssert.AreEqual(Model.Load(place.ModelPath).ToBytes(), Model.Load(place.OutputPath).ToBytes());
        Assert.AreEqual(Data(result), Model.Load(place.OutputPath).ExternalDataFiles.Single());
    }

    [TestMethod]
    public void What_one_file_holds_is_one_file()
    {
        Model.Load(place.ModelPath).Save(place.ModelPath, WeightPlacement.External);

        OptimizationResult result = Workplace.Run(place.Request(request => request.Settings.Precision = Precision.Float32));

        Assert.IsNull(result.ExternalData);
        CollectionAssert.AreEqual(new[] { place.OutputPath }, Directory.GetFiles(Output));
    }

    [TestMethod]
    public void It_can_not_be_compressed()
    {
        OptimizationRequest request = Pruned();
        request.Compress = true;
        place.WritePreviousOutput();

        Diagnostic diagnostic = Run(request).Diagnostics.Single();

        Assert.AreEqual("MBT0017", diagnostic.Code);
        place.AssertUntouched();
    }

    [TestMethod]
    public void It_can_not_be_in_ORT_format()
    {
        Model.Load(place.ModelPath).Save(place.ModelPath, WeightPlacement.External);
        place.WritePreviousOutput();

        Diagnostic diagnostic = Run(place.Request(request => (request.Settings.Precision, request.Settings.Format) = (Precision.Float32, ArtifactFormat.Ort))).Diagnostics.Single();

        Assert.AreEqual("MBT0015", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, "more than 2 GB");
        place.AssertUntouched();
    }

    private static OptimizationResult Run(OptimizationRequest request) => new OptimizationPipeline(new Progress<PipelineProgress>(), Limit).Run(request, CancellationToken.None);

    private OptimizationRequest Pruned() => place.Request(request =>
    {
        request.Settings.Precision = Precision.Float32;
        request.Settings.Pruning = Pruning.Magnitude;
        request.Settings.Sparsity = 0.5;
    });

    private string Data(OptimizationResult result) => Path.Combine(Output, result.ExternalData!);
}
