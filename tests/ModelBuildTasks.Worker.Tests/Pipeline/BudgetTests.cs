using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Each budget fails with its code and says what was measured and what is allowed. Limits are absurd, so that no timing decides.</summary>
[TestClass]
public sealed class BudgetTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void MaxAccuracyDrop_fails_when_more_is_lost() =>
        AssertBroken("MBT2001", Pruned(request => request.Budgets.MaxAccuracyDrop = 0.01), "Top1 drops by", "0.01 is allowed");

    [TestMethod]
    public void MinAccuracy_fails_below_it() =>
        AssertBroken("MBT2001", Pruned(request => request.Budgets.MinAccuracy = 0.99), "Top1 of the optimized model is", "at least 0.99 is required");

    [TestMethod]
    public void MaxClassAccuracyDrop_fails_for_the_slice_that_loses_most_and_names_it()
    {
        const double SomeOfEachClass = 0.5;
        OptimizationResult first = Workplace.Run(Pruned(request => request.Settings.Sparsity = SomeOfEachClass));
        using ModelSession artifact = ModelSession.Open(first.ArtifactPath!);
        Dataset data = Dataset.Open(place["evaluation"], artifact.Inputs);
        string[] slices = [.. data.Read().Select(sample => Answer(artifact, sample) == sample.Label!.Span<long>()[0] ? "day" : "night")];
        File.WriteAllText(place["slices.txt"], string.Join('\n', slices));
        File.WriteAllText(place["evaluation/dataset.json"], """{ "slices": "../slices.txt" }""");

        AssertBroken("MBT2002", Pruned(request => (request.Settings.Sparsity, request.Budgets.MaxClassAccuracyDrop) = (SomeOfEachClass, 0.01)), "slice 'night' loses 1", "0.01 is allowed");
    }

    [TestMethod]
    public void MaxSize_fails_above_it() =>
        AssertBroken("MBT2004", Simplified(request => request.Budgets.MaxSizeBytes = 10), "the artifact has", "10 is allowed");

    [TestMethod]
    public void MaxSizeRatio_fails_above_it() =>
        AssertBroken("MBT2004", Simplified(request => request.Budgets.MaxSizeRatio = 0.001), "of the original's bytes", "0.001");

    [TestMethod]
    public void MaxLatency_fails_above_it() =>
        AssertBroken("MBT2003", Measured(request => request.Budgets.MaxLatencyMilliseconds = 1e-9), "ms", "1e-09 is allowed");

    [TestMethod]
    public void MaxLatencyRatio_fails_above_it() =>
        AssertBroken("MBT2003", Measured(request => request.Budgets.MaxLatencyRatio = 1e-9), "of the original's time", "1e-09 is allowed");

    [TestMethod]
    public void The_result_holds_the_verdict_on_every_budget()
    {
        OptimizationResult result = Workplace.Run(Simplified(request => (request.Budgets.MaxSizeBytes, request.Budgets.MaxSizeRatio, request.Budgets.MaxLatencyRatio) = (10, 2, 1)));

        CollectionAssert.AreEqual(
            new[] { ("MaxLatencyRatio", Verdict.NotMeasured), ("MaxSize", Verdict.Failed), ("MaxSizeRatio", Verdict.Passed) },
            result.Budgets.Select(budget => (budget.Name, budget.Verdict)).ToArray());
        Assert.AreEqual((10, (double)result.Optimized!.Bytes), (result.Budgets[1].Allowed, result.Budgets[1].Value));
        StringAssert.Contains(result.Budgets[1].Sentence, "10 is allowed");
    }

    [TestMethod]
    public void Budgets_with_room_say_nothing()
    {
        OptimizationResult result = Workplace.Run(Measured(request =>
        {
            request.EvaluationData = place.WriteData("evaluation", count: 400);
            request.Budgets.MinAccuracy = 0.5;
            request.Budgets.MaxAccuracyDrop = 0.1;
            request.Budgets.MaxSizeBytes = 1 << 20;
            request.Budgets.MaxSizeRatio = 2;
            request.Budgets.MaxLatencyMilliseconds = 1e9;
            request.Budgets.MaxLatencyRatio = 1e9;
        }));

        Assert.IsEmpty(result.Diagnostics, string.Join('\n', result.Diagnostics));
    }

    [TestMethod]
    public void A_broken_budget_does_not_withhold_the_artifact()
    {
        OptimizationResult result = Workplace.Run(Simplified(request => request.Budgets.MaxSizeBytes = 10));

        Assert.IsTrue(result.Succeeded);
        Assert.IsTrue(File.Exists(result.ArtifactPath));
    }

    [TestMethod]
    public void Too_few_samples_leave_a_budget_undecided()
    {
        OptimizationResult result = Workplace.Run(Simplified(request =>
        {
            request.EvaluationData = place.WriteData("evaluation", count: 8);
            request.Budgets.MaxAccuracyDrop = 0.001;
        }));

        Diagnostic diagnostic = result.Diagnostics.Single();
        Assert.AreEqual("MBT1002", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, "MaxAccuracyDrop=\"0.001\"");
    }

    [TestMethod]
    public void A_drop_that_the_metric_does_not_have_is_said_to_be_unjudged()
    {
        OptimizationResult result = Workplace.Run(Simplified(request =>
        {
            request.EvaluationData = place.WriteData("evaluation");
            request.Settings.Metric = Metric.SignalToNoise;
            request.Budgets.MaxAccuracyDrop = 0.01;
        }));

        Assert.AreEqual("MBT1002", result.Diagnostics.Single().Code);
    }

    [TestMethod]
    public void Without_labels_a_budget_of_accuracy_is_said_to_be_judged_by_likeness()
    {
        OptimizationResult Unlabelled(Metric metric, double? drop) => Workplace.Run(Simplified(request =>
        {
            request.EvaluationData = place.WriteData("evaluation", labelled: false);
            request.Settings.Metric = metric;
            request.Budgets.MaxAccuracyDrop = drop;
        }));

        Diagnostic said = Unlabelled(Metric.Auto, 0.01).Diagnostics.Single();
        Assert.AreEqual("MBT1016", said.Code);
        StringAssert.Contains(said.Message, "'model' for cpu: the data has no labels, so that likeness to the original model (Cosine) decides MaxAccuracyDrop");
        Assert.IsEmpty(Unlabelled(Metric.Cosine, 0.01).Diagnostics);
        Assert.IsEmpty(Unlabelled(Metric.Auto, null).Diagnostics);
    }

    [TestMethod]
    public void Without_data_accuracy_is_said_to_be_unmeasured()
    {
        OptimizationResult result = Workplace.Run(Simplified());

        Assert.AreEqual("MBT1004", result.Diagnostics.Single().Code);
        Assert.IsNull(result.AccuracyDrop);
        Assert.IsNull(result.Optimized!.Accuracy);
    }

    [TestMethod]
    public void Skipped_measurement_leaves_latency_budgets_unmeasured_and_says_so_once()
    {
        OptimizationResult result = Workplace.Run(Simplified(request =>
        {
            request.EvaluationData = place.WriteData("evaluation");
            request.Budgets.MaxLatencyRatio = 1;
            request.Budgets.MaxLatencyMilliseconds = 1;
        }));

        Assert.AreEqual("MBT1005", result.Diagnostics.Single().Code);
        Assert.IsFalse(result.LatencyRatio!.Measured);
        Assert.AreEqual("ModelMeasurement is Skip", result.LatencyRatio.Reason);
    }

    [TestMethod]
    public void A_measured_latency_says_on_which_processor_and_on_how_many_threads()
    {
        OptimizationResult result = Workplace.Run(Measured(request => request.EvaluationData = place.WriteData("evaluation")));

        Assert.IsTrue(result.LatencyRatio!.Measured);
        Assert.AreEqual(ProcessorName.Current, result.LatencyRatio.Processor);
        Assert.AreEqual(1, result.LatencyRatio.Threads);
    }

    [TestMethod]
    [DataRow(1e-9)]
    [DataRow(1e9)]
    public void MaxLatency_of_another_processor_is_said_to_be_unjudged_here(double limit)
    {
        OptimizationResult result = Workplace.Run(Measured(request =>
            (request.EvaluationData, request.Budgets.MaxLatencyMilliseconds, request.Budgets.MaxLatencyProcessor) = (place.WriteData("evaluation"), limit, "That Processor (X64)")));

        Assert.AreEqual(Verdict.Undecided, result.Budgets.Single().Verdict);
        Diagnostic diagnostic = result.Diagnostics.Single();
        Assert.AreEqual("MBT1013", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, "That Processor (X64)");
        StringAssert.Contains(diagnostic.Message, ProcessorName.Current);
    }

    [TestMethod]
    public void Where_measuring_is_required_a_limit_of_another_processor_is_an_error()
    {
        OptimizationResult result = Workplace.Run(Measured(request =>
            (request.Measurement, request.EvaluationData, request.Budgets.MaxLatencyMilliseconds, request.Budgets.MaxLatencyProcessor) = (Measurement.Require, place.WriteData("evaluation"), 1e9, "That Processor (X64)")));

        Assert.AreEqual("MBT2008", result.Diagnostics.Single().Code);
    }

    [TestMethod]
    public void A_measured_latency_comes_with_the_slowest_operators_of_both_models()
    {
        OperatorProfile profile = Workplace.Run(Measured(request => request.EvaluationData = place.WriteData("evaluation"))).Profile!;

        Assert.IsTrue(profile.Original.Any(time => time.OpType.Contains("Gemm", StringComparison.Ordinal)));
        Assert.IsTrue(profile.Optimized.Any(time => time.OpType.Contains("Gemm", StringComparison.Ordinal)));
        Assert.IsNull(Workplace.Run(Simplified()).Profile);
    }

    [TestMethod]
    public void Cuda_artifacts_are_float16_and_their_latency_is_unmeasured_here()
    {
        OptimizationResult result = Workplace.Run(ForCuda(Measurement.Auto));

        Assert.IsTrue(result.Succeeded);
        Assert.IsTrue(result.Recipe.Single(step => step.Name.Contains("float16", StringComparison.OrdinalIgnoreCase)).Applied);
        Assert.AreEqual("this machine cannot run cuda artifacts", result.LatencyRatio!.Reason);
        Assert.AreEqual("MBT1005", result.Diagnostics.Single().Code);
    }

    [TestMethod]
    public void A_required_measurement_that_this_machine_cannot_make_is_an_error()
    {
        Diagnostic diagnostic = Workplace.Run(ForCuda(Measurement.Require)).Diagnostics.Single();

        Assert.AreEqual("MBT2008", diagnostic.Code);
        Assert.AreEqual(DiagnosticSeverity.Error, diagnostic.Severity);
        StringAssert.Contains(diagnostic.Message, "this machine cannot run cuda artifacts");
    }

    private static void AssertBroken(string code, OptimizationRequest request, string measured, string allowed)
    {
        Diagnostic diagnostic = Workplace.Run(request).Diagnostics.Single(found => found.IsBudget);

        Assert.AreEqual(code, diagnostic.Code);
        Assert.AreEqual(DiagnosticSeverity.Error, diagnostic.Severity);
        Assert.AreEqual(request.ModelPath, diagnostic.File);
        StringAssert.Contains(diagnostic.Message, measured);
        StringAssert.Contains(diagnostic.Message, allowed);
    }

    private OptimizationRequest Simplified(Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        request.Settings.Precision = Precision.Float32;
        change?.Invoke(request);
    });

    private OptimizationRequest Measured(Action<OptimizationRequest> change) => Simplified(request =>
    {
        request.Measurement = Measurement.Auto;
        change(request);
    });

    /// <summary>The class with the best score.</summary>
    private static int Answer(ModelSession session, Sample sample)
    {
        float[] scores = session.Run(sample.Inputs)[0].ToSingles();
        return Array.IndexOf(scores, scores.Max());
    }

    /// <summary>Without weights, every sample gets the same answer.</summary>
    private OptimizationRequest Pruned(Action<OptimizationRequest> change) => Simplified(request =>
    {
        request.EvaluationData = place.WriteData("evaluation");
        request.Settings.Pruning = Contracts.Pruning.Magnitude;
        request.Settings.Sparsity = 1;
        change(request);
    });

    private OptimizationRequest ForCuda(Measurement measurement) => place.Request(request =>
    {
        request.Target = TargetNames.Cuda;
        request.EvaluationData = place.WriteData("evaluation");
        request.Measurement = measurement;
        request.Budgets.MaxLatencyRatio = 0.9;
    });
}
