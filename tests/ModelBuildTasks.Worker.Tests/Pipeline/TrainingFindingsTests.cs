using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What a build says of training that could not be done as it was asked for.</summary>
[TestClass]
public sealed class TrainingFindingsTests : IDisposable
{
    private const int Samples = 32;
    private const int Width = 64;

    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());
    private int trained;

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void Pruning_that_removes_nothing_is_why_integers_are_not_trained()
    {
        OptimizationResult result = Run(request =>
            (request.Settings.FineTune, request.Settings.Pruning, request.Settings.PruningExclude, request.Settings.Quantization) = (FineTune.Distill, Pruning.Structured, ["*"], Quantization.Static));

        Assert.AreEqual(0, trained);
        Assert.IsTrue(result.Recipe.Any(step => step is { Name: "static int8 quantization", Applied: true }));
        string said = string.Join("\n", result.Diagnostics.Where(diagnostic => diagnostic.Code == "MBT1006").Select(diagnostic => diagnostic.Message));
        StringAssert.Contains(said, "training did not apply: nothing was pruned, and where a Pruning is named, Distill trains what it left, and no integers");
    }

    [TestMethod]
    public void What_was_measured_of_integers_before_they_were_trained_is_not_told_of_them_afterwards()
    {
        OptimizationResult result = Run(request => request.Settings.FineTune = FineTune.QuantizationAware);

        Assert.AreEqual(1, trained);
        Assert.IsTrue(result.Quantization!.Layers.Any(layer => layer.IsInteger));
        Assert.IsNull(result.Quantization.SignalToNoise);
        Assert.IsEmpty(result.Quantization.Outputs);
    }

    [TestMethod]
    public void What_prunes_while_it_trains_does_so_where_a_lock_file_has_no_weights_of_it()
    {
        void Pruned(OptimizationRequest request) =>
            (request.Settings.FineTune, request.Settings.Precision, request.Settings.Pruning, request.Settings.Sparsity) = (FineTune.Distill, Precision.Float32, Pruning.Structured, 0.5);
        OptimizationResult first = Run(Pruned);
        first.Pinned!.TrainedWeights = [];

        OptimizationResult second = Run(request =>
        {
            Pruned(request);
            request.CacheDirectory = place["elsewhere"];
            request.Locked = LockedChoice.Of(LockEntry.Of(request, first), request)!;
        });

        Assert.AreEqual(2, trained);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
    }

    [TestMethod]
    public void Training_samples_that_are_not_finite_are_counted()
    {
        OptimizationResult result = Run(request => (request.Settings.FineTune, request.Settings.Quantization, request.TrainingData) = (FineTune.Distill, Quantization.Static, WriteTraining(sample => sample < 3 ? float.NaN : 1)));

        Assert.AreEqual(1, trained);
        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1011").Message, $"3 of {Samples} samples of TrainingData");
    }

    [TestMethod]
    public void Training_data_without_a_finite_sample_is_an_error()
    {
        string data = WriteTraining(_ => float.NaN);

        OptimizationResult result = Pipeline().Run(Request(request => (request.Settings.FineTune, request.Settings.Quantization, request.TrainingData) = (FineTune.Distill, Quantization.Static, data)), CancellationToken.None);

        Diagnostic diagnostic = result.Diagnostics.Single();
        Assert.AreEqual("MBT4005", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, $"'{data}'");
        StringAssert.Contains(diagnostic.Message, $"each of its {Samples} samples holds infinite or undefined (NaN) numbers");
        Assert.IsFalse(result.Succeeded);
    }

    [TestMethod]
    public void A_search_that_breaks_budgets_which_training_does_not_mend_says_why_it_did_not_train()
    {
        OptimizationResult result = Run(request => (request.Settings.FineTune, request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (FineTune.Auto, 1, 0.001));

        Assert.AreEqual(0, trained);
        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT2009").Message, "training was not tried, for no pruned form breaks budgets of accuracy alone, and integers keep the accuracy without");
    }

    [TestMethod]
    public void A_search_that_trained_does_not_say_that_it_did_not()
    {
        OptimizationResult result = Run(request =>
        {
            // Ranges a hundred times too large leave little of what integers tell apart.
            NumpyWriter.Write(place["calibration/x.npy"], [Width, Width], [.. Enumerable.Range(0, Width * Width).Select(i => 100 * MathF.Sin(i))]);
            (request.Settings.FineTune, request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (FineTune.Auto, 0, 0.001);
        });

        Assert.AreNotEqual(0, trained);
        Assert.DoesNotContain("training was not tried", string.Join("\n", result.Diagnostics.Select(diagnostic => diagnostic.Message)));
    }

    private string WriteTraining(Func<int, float> value)
    {
        NumpyWriter.Write(place["training/x.npy"], [Samples, Width], [.. Enumerable.Range(0, Samples * Width).Select(i => value(i / Width) * MathF.Sin(i))]);
        return place["training"];
    }

    private OptimizationRequest Request(Action<OptimizationRequest> change) => place.Request(request =>
    {
        request.CalibrationData = place.WriteData("calibration", count: 64, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation", count: 100);
        change(request);
    });

    private OptimizationResult Run(Action<OptimizationRequest> change)
    {
        OptimizationResult result = Pipeline().Run(Request(change), CancellationToken.None);
        Assert.IsTrue(result.Succeeded, string.Join("\n", result.Diagnostics));
        return result;
    }

    private OptimizationPipeline Pipeline()
    {
        return new OptimizationPipeline(new Progress<PipelineProgress>(), methods: new TrainingMethods(_ => Pass(), (_, _) => Pass()) { Prune = (_, _, _) => Pass() });

        IModelPass Pass() => new EditingPass("training", model =>
        {
            trained++;
            model.Metadata["lesson"] = "learned";
        });
    }
}
