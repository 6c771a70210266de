using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class CachedResults : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Come_back_whole_and_with_the_paths_of_whoever_asks()
    {
        Store(Result(DiagnosticCatalogue.SizeBudget));

        var restored = CachedResult.TryRestore(_folder.Store, Request("/other"))!;

        Assert.IsTrue(restored is { Succeeded: true, FromCache: true, Model: "/other/model.onnx" });
        Assert.AreEqual(Request("/other").OutputPath, restored.ArtifactPath);
        Assert.AreEqual("folded 27", restored.Recipe.Single().Explanation);
        Assert.AreEqual(0.002, restored.AccuracyDrop!.Value);
        Assert.AreEqual(Verdict.Failed, restored.Budgets.Single().Verdict);
        Assert.AreEqual((30.0, 12.0), (restored.Quantization!.SignalToNoise, restored.TriedQuantization!.SignalToNoise));
        Assert.AreEqual(("MBT2004", "/other/model.onnx"), (restored.Diagnostics.Single().Code, restored.Diagnostics.Single().File));
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, File.ReadAllBytes(restored.ArtifactPath!));
    }

    [TestMethod]
    public void Come_back_with_what_is_known_of_answers_and_inputs()
    {
        var result = Result();
        result.AccuracyDetails = new AccuracyDetails();
        result.CalibratedInputs.Add(new CalibratedInput { Input = "image" });
        Store(result);

        var restored = CachedResult.TryRestore(_folder.Store, Request("/other"))!;

        Assert.IsNotNull(restored.AccuracyDetails);
        Assert.AreEqual("image", restored.CalibratedInputs.Single().Input);
    }

    [TestMethod]
    public void Are_of_the_same_request_only()
    {
        Store(Result());
        var other = Request("/other");
        other.Budgets.MaxSizeBytes = 1;

        Assert.IsNull(CachedResult.TryRestore(_folder.Store, other));
        Assert.IsFalse(File.Exists(other.OutputPath));
    }

    [TestMethod]
    [DataRow(0.5, true)]
    [DataRow(0.25, false)]
    public void What_a_build_without_the_lock_file_made_is_taken_where_it_is_what_is_locked(double locked, bool isTaken)
    {
        var result = Result();
        result.Pinned = Pruned(0.5);
        Store(result);
        var request = Request("/other");
        Lock(request, locked);

        Assert.AreEqual(isTaken, CachedResult.TryRestore(_folder.Store, request) is not null);
        Assert.AreEqual(isTaken, File.Exists(request.OutputPath));
        Assert.AreEqual(isTaken, Directory.Exists(Path.GetDirectoryName(request.OutputPath)), "What is not wanted is not even copied.");
    }

    [TestMethod]
    public void What_an_update_made_that_began_with_another_recipe_is_taken_as_what_is_locked()
    {
        var result = Result();
        result.Pinned = Pruned(0.5);
        var update = Request("/project");
        update.Start = Pruned(0.25);
        Store(result, update);
        var build = Request("/other");
        Lock(build, 0.5);

        Assert.IsNotNull(CachedResult.TryRestore(_folder.Store, build));
        Assert.IsNull(CachedResult.TryRestore(_folder.Store, Request("/other")), "A search that begins with nothing may find another.");
    }

    [TestMethod]
    public void What_a_search_found_by_the_end_of_its_time_is_taken_as_what_is_locked_and_is_no_end_of_searching()
    {
        var result = Result();
        (result.Pinned, result.Search) = (Pruned(0.5), new SearchAccount { IsCutShort = true });
        Store(result);
        var build = Request("/other");
        Lock(build, 0.5);

        Assert.IsNotNull(CachedResult.TryRestore(_folder.Store, build));
        Assert.IsNull(CachedResult.TryRestore(_folder.Store, Request("/other")));
    }

    [TestMethod]
    public void What_failed_is_not_kept()
    {
        var failed = Result();
        failed.Succeeded = false;
        Store(failed);

        Assert.IsNull(CachedResult.TryRestore(_folder.Store, Request("/other")));
    }

    [TestMethod]
    public void What_the_network_did_to_one_build_is_not_kept()
    {
        Store(Result(DiagnosticCatalogue.RemoteCacheFailed));

        Assert.IsNull(CachedResult.TryRestore(_folder.Store, Request("/other")));
    }

    [TestMethod]
    public void A_description_that_is_none_is_a_miss()
    {
        var artifact = Path.Combine(_folder.Folder, "made.onnx");
        File.WriteAllBytes(artifact, [1, 2, 3]);
        _folder.Store.Store(RequestKey.OfResult(Request("/project")), artifact, "no result"u8.ToArray());

        Assert.IsNull(CachedResult.TryRestore(_folder.Store, Request("/project")));
    }

    [TestMethod]
    public void No_path_of_the_project_lies_in_the_cache()
    {
        Store(Result(DiagnosticCatalogue.SizeBudget));

        foreach (var file in Directory.GetFiles(_folder.Cache, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("/project", File.ReadAllText(file));
        }
    }

    private void Store(OptimizationResult result, OptimizationRequest? request = null)
    {
        var artifact = Path.Combine(_folder.Folder, "made.onnx");
        File.WriteAllBytes(artifact, [1, 2, 3]);
        CachedResult.Store(_folder.Store, request ?? Request("/project"), result, artifact);
    }

    private static PinnedRecipe Pruned(double sparsity) => new() { Pruning = Pruning.Structured, Sparsity = sparsity };

    private static void Lock(OptimizationRequest request, double sparsity) =>
        request.Locked = LockedChoice.Of(LockEntry.Of(request, new OptimizationResult { Pinned = Pruned(sparsity) }), request);

    private OptimizationRequest Request(string project) => new()
    {
        ModelPath = $"{project}/model.onnx",
        Name = "model",
        Target = TargetNames.Cpu,
        Measurement = Measurement.Skip,
        OutputPath = _folder.Restored,
        Inputs = { new InputDigest { Role = "model", Path = $"{project}/model.onnx", Sha256 = "a1" } },
    };

    private static OptimizationResult Result(DiagnosticDescriptor? found = null)
    {
        var result = new OptimizationResult
        {
            Succeeded = true,
            Model = "/project/model.onnx",
            Target = TargetNames.Cpu,
            ArtifactPath = "/project/obj/model.onnx",
            Original = new ModelFigures { Bytes = 5 },
            Optimized = new ModelFigures { Bytes = 3 },
            AccuracyDrop = new AccuracyDrop { Value = 0.002, Low = 0, High = 0.004, Samples = 500, Metric = Metric.Top1 },
            LatencyRatio = new LatencyRatio { Reason = "ModelMeasurement is Skip" },
            Quantization = new QuantizationDecisions { SignalToNoise = 30 },
            TriedQuantization = new QuantizationDecisions { SignalToNoise = 12 },
        };
        result.Recipe.Add(new RecipeStep { Name = "FoldBatchNormalization", Applied = true, Explanation = "folded 27" });
        result.Budgets.Add(new JudgedBudget { Name = "MaxSize", Verdict = Verdict.Failed });
        if (found is not null)
        {
            result.Diagnostics.Add(Diagnostic.Create(found, "/project/model.onnx", "model", "cpu", "something"));
        }

        return result;
    }
}
