using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What a build takes from the cache of artifacts, and what it judges anew.</summary>
[TestClass]
public sealed class CachedPipelineTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void Whether_a_loss_is_left_to_a_budget_is_the_question_of_each_build_and_not_of_the_one_that_filled_the_cache()
    {
        using Workplace products = Workplace.With(SmallModels.WideMlp());
        Random random = new(3);
        NumpyWriter.Write(products["calibration/x.npy"], [64, 64], [.. Enumerable.Range(0, 64 * 64).Select(i => (random.NextSingle() * 2 - 1) * (i / 64 == 5 ? 1e4f : 1))]);
        OptimizationResult Run(double? minAccuracy) => Workplace.Run(products.Request(request =>
        {
            request.Settings.Precision = Precision.Int8;
            request.Settings.Calibration = Calibration.MinMax;
            request.CalibrationData = products["calibration"];
            request.Budgets.MinAccuracy = minAccuracy;
        }));

        OptimizationResult judged = Run(0.1);
        OptimizationResult free = Run(null);

        Assert.IsTrue(free.FromCache);
        Assert.DoesNotContain("MBT1010", judged.Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Contains("MBT1010", free.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [TestMethod]
    public void A_second_run_comes_from_the_cache_and_is_the_same_artifact()
    {
        OptimizationRequest request = Int8(place);
        OptimizationResult first = Workplace.Run(request);
        File.Delete(place.OutputPath);

        OptimizationResult second = Workplace.Run(request);

        Assert.IsFalse(first.FromCache);
        Assert.IsTrue(second.FromCache);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        Assert.AreEqual(first.ArtifactSha256, ContentDigest.OfFile(place.OutputPath));
    }

    [TestMethod]
    public void A_result_from_the_cache_says_the_same_about_the_model()
    {
        OptimizationRequest request = Int8(place);
        OptimizationResult first = Workplace.Run(request);
        OptimizationResult second = Workplace.Run(request);

        Assert.AreEqual(first.Optimized!.Accuracy, second.Optimized!.Accuracy);
        CollectionAssert.AreEqual(first.Recipe.Select(step => step.Explanation).ToArray(), second.Recipe.Select(step => step.Explanation).ToArray());
        CollectionAssert.AreEqual(first.Diagnostics.Select(found => found.Message).ToArray(), second.Diagnostics.Select(found => found.Message).ToArray());
    }

    [TestMethod]
    public void A_build_may_take_the_whole_result_from_the_cache()
    {
        OptimizationRequest request = Int8(place);
        OptimizationResult first = Workplace.Run(request);
        File.Delete(place.OutputPath);

        OptimizationResult? restored = CachedResult.TryRestore(new ArtifactStore(place.Cache), request);

        Assert.AreEqual(first.ArtifactSha256, restored!.ArtifactSha256);
        Assert.AreEqual(first.ArtifactSha256, ContentDigest.OfFile(place.OutputPath));
        CollectionAssert.AreEqual(first.Diagnostics.Select(found => found.Message).ToArray(), restored.Diagnostics.Select(found => found.Message).ToArray());
    }

    [TestMethod]
    public void What_was_made_of_data_that_changed_meanwhile_is_not_kept()
    {
        OptimizationRequest request = Int8(place);
        string data = Directory.GetFiles(request.CalibrationData!, "x.npy").Single();
        bool isWritten = false;
        void Overwrite(PipelineProgress progress)
        {
            if (!isWritten && progress.Stage is not ("reading the inputs" or "loading"))
            {
                isWritten = true;
                byte[] bytes = File.ReadAllBytes(data);
                bytes[^1] ^= 1;
                File.WriteAllBytes(data, bytes);
            }
        }

        Assert.IsTrue(Workplace.Run(request, Overwrite).Succeeded);

        Assert.IsTrue(isWritten);
        Assert.IsFalse(Directory.Exists(Path.Combine(place.Cache, "ac")));
    }

    [TestMethod]
    public void Budgets_are_judged_again_on_what_comes_from_the_cache()
    {
        OptimizationRequest request = Int8(place);
        Workplace.Run(request);
        request.Budgets.MaxSizeBytes = 10;

        OptimizationResult result = Workplace.Run(request);

        Assert.IsTrue(result.FromCache);
        Assert.AreEqual("MBT2004", result.Diagnostics.Single(found => found.IsBudget).Code);
    }

    [TestMethod]
    public void A_restored_artifact_has_the_present_as_its_time()
    {
        OptimizationRequest request = Int8(place);
        Workplace.Run(request);
        foreach (string file in Directory.GetFiles(place.Cache, "*", SearchOption.AllDirectories))
        {
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-30));
        }

        Workplace.Run(request);

        Assert.IsGreaterThan(DateTime.UtcNow.AddHours(-1), File.GetLastWriteTimeUtc(place.OutputPath));
    }

    [TestMethod]
    public void A_cache_that_cannot_be_used_makes_an_ordinary_run()
    {
        File.WriteAllText(place.Cache, "a file where the folder should be");

        OptimizationResult result = Workplace.Run(Int8(place));

        Assert.IsTrue(result.Succeeded);
        Assert.IsFalse(result.FromCache);
    }

    private static OptimizationRequest Int8(Workplace place) => place.Request(request =>
    {
        request.Settings.Precision = Precision.Int8;
        request.CalibrationData = place.WriteData("calibration", count: 16, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation");
    });
}
