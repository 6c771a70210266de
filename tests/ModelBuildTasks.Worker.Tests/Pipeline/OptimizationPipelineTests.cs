using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class OptimizationPipelineTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void The_result_is_of_the_artifact_that_lies_there()
    {
        OptimizationResult result = Workplace.Run(Int8(place));

        Assert.IsTrue(result.Succeeded);
        Assert.AreEqual(place.OutputPath, result.ArtifactPath);
        Assert.AreEqual(ContentDigest.OfFile(place.OutputPath), result.ArtifactSha256);
        Assert.AreEqual(new FileInfo(place.OutputPath).Length, result.Optimized!.Bytes);
        Assert.AreEqual(new FileInfo(place.ModelPath).Length, result.Original!.Bytes);
    }

    [TestMethod]
    public void The_accuracy_is_of_both_models_on_the_evaluation_data()
    {
        OptimizationResult result = Workplace.Run(Int8(place));

        Assert.AreEqual(1.0, result.Original!.Accuracy);
        Assert.AreEqual(64, result.AccuracyDrop!.Samples);
        Assert.AreEqual(Metric.Top1, result.AccuracyDrop.Metric);
        Assert.AreEqual(result.Original.Accuracy!.Value - result.Optimized!.Accuracy!.Value, result.AccuracyDrop.Value, 1e-12);
    }

    [TestMethod]
    public void Pruning_of_our_choice_keeps_the_budget_says_what_was_tried_and_gives_the_same_bytes_again()
    {
        using Workplace wide = Workplace.With(SmallModels.WideMlp());
        OptimizationRequest Request(string cache) => wide.Request(request =>
        {
            request.Settings.Pruning = Pruning.Auto;
            request.Settings.Precision = Precision.Float32;
            request.Budgets.MaxAccuracyDrop = 0.1;
            request.CalibrationData = wide.WriteData("calibration", count: 128, seed: 3, labelled: false);
            request.EvaluationData = wide.WriteData("evaluation", count: 400);
            request.CacheDirectory = wide[cache];
        });

        OptimizationResult first = Workplace.Run(Request("one"));
        OptimizationResult second = Workplace.Run(Request("other"));

        RecipeStep step = first.Recipe.Single(step => step.Name == "structured pruning");
        Assert.IsTrue(step.Applied, step.Explanation);
        StringAssert.Contains(first.Search!.Trials.Single(trial => trial.IsChosen).Name, "structured pruning");
        Assert.IsLessThan(first.Original!.Bytes, first.Optimized!.Bytes);
        Assert.IsLessThanOrEqualTo(0.1, first.AccuracyDrop!.Value);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
    }

    [TestMethod]
    public void Why_channels_stay_is_in_the_result()
    {
        OptimizationResult result = Workplace.Run(place.Request(request =>
        {
            request.Settings.Pruning = Pruning.Structured;
            request.Settings.Sparsity = 0.3;
            request.Settings.Precision = Precision.Float32;
        }));

        RecipeStep step = result.Recipe.Single(step => step.Name == "structured pruning");
        Assert.IsTrue(step.Reasons.Any(reason => reason.Contains("channels stay:", StringComparison.Ordinal)), string.Join("\n", step.Reasons));
    }

    [TestMethod]
    public void Without_labels_the_outputs_are_compared_with_the_original()
    {
        OptimizationResult result = Workplace.Run(place.Request(request => request.EvaluationData = place.WriteData("evaluation", labelled: false)));

        Assert.AreEqual(Metric.Cosine, result.AccuracyDrop!.Metric);
        Assert.AreEqual(1.0, result.Original!.Accuracy!.Value, 1e-6);
    }

    [TestMethod]
    [DataRow(Precision.Int4, false, "4 bits in blocks of 32 (2 by scale search)")]
    [DataRow(Precision.Int4, true, "4 bits in blocks of 32 (2 by GPTQ)")]
    [DataRow(Precision.Int2, true, "2 bits in blocks of 32 (2 by GPTQ)")]
    [DataRow(Precision.Binary, false, "signs with a scale for each 32 weights, carried in 2 bits each (2 by binary weights)")]
    public void A_form_of_weights_alone_is_obeyed(Precision precision, bool calibrates, string expected)
    {
        using Workplace products = Workplace.With(SmallModels.Mlp());
        OptimizationResult result = Workplace.Run(products.Request(request =>
        {
            request.Settings.Precision = precision;
            request.CalibrationData = calibrates ? products.WriteData("calibration", labelled: false) : null;
        }));

        Assert.IsTrue(result.Succeeded);
        Assert.IsTrue(result.Optimized!.Bytes < 0.3 * result.Original!.Bytes);
        Assert.AreEqual($"2 matrix products read {(precision == Precision.Binary ? "" : "weights of ")}{expected}.", result.Recipe[^1].Explanation);
    }

    [TestMethod]
    public void What_stays_in_float_of_a_float16_model_is_stored_as_float16()
    {
        Model narrow = SmallModels.WideMlp();
        new Float16Conversion().Apply(narrow, new PassContext(TargetProfiles.Cuda));
        using Workplace products = Workplace.With(narrow);

        OptimizationResult result = Workplace.Run(Int8(products));

        Assert.IsTrue(result.Quantization!.Layers.Any(layer => layer.IsInteger) && result.Quantization.Layers.Any(layer => !layer.IsInteger));
        Assert.AreEqual("float16 storage", result.Recipe[^1].Name);
        Assert.IsTrue(result.Recipe[^1].Applied);
        Assert.IsLessThan(0.7 * result.Original!.Bytes, result.Optimized!.Bytes);
    }

    [TestMethod]
    public void A_float16_model_that_is_not_pruned_stays_one_for_a_target_that_computes_in_float16()
    {
        Model narrow = SmallModels.WideMlp();
        new Float16Conversion().Apply(narrow, new PassContext(TargetProfiles.Cuda));
        using Workplace half = Workplace.With(narrow);

        OptimizationResult result = Workplace.Run(half.Request(request => request.Target = TargetNames.Cuda));

        Assert.IsTrue(result.Succeeded);
        Assert.IsFalse(result.Recipe.Any(step => step.Name == "float32 conversion"));
        Assert.IsLessThanOrEqualTo(result.Original!.Bytes, result.Optimized!.Bytes);
    }

    [TestMethod]
    public void What_was_lifted_for_a_pruning_that_did_nothing_is_said_to_be_given_up()
    {
        Model narrow = SmallModels.WideMlp();
        new Float16Conversion().Apply(narrow, new PassContext(TargetProfiles.Cuda));
        using Workplace half = Workplace.With(narrow);

        OptimizationResult result = Workplace.Run(half.Request(request =>
        {
            request.Settings.Pruning = Pruning.Threshold;
            request.Settings.PruningThreshold = 0;
            request.Settings.Precision = Precision.Float32;
        }));

        RecipeStep lifting = result.Recipe.Single(step => step.Name == "float32 conversion");
        Assert.IsFalse(lifting.Applied);
        StringAssert.Contains(lifting.Explanation, "Given up: nothing was pruned");
        Assert.IsLessThanOrEqualTo(result.Original!.Bytes, result.Optimized!.Bytes);
    }

    [TestMethod]
    [DataRow(Pruning.Magnitude)]
    [DataRow(Pruning.SecondOrder)]
    [DataRow(Pruning.Structured)]
    [DataRow(Pruning.Structured, TargetNames.Cuda)]
    public void A_float16_model_is_pruned_and_refitted_as_its_float32_twin(Pruning pruning, string target = TargetNames.Cpu)
    {
        Model narrow = SmallModels.WideMlp();
        new Float16Conversion().Apply(narrow, new PassContext(TargetProfiles.Cuda));
        using Workplace half = Workplace.With(narrow);
        using Workplace single = Workplace.With(SmallModels.WideMlp());

        double halfDrop = Drop(half), singleDrop = Drop(single);

        Assert.AreEqual(singleDrop, halfDrop, 0.02);

        double Drop(Workplace wide)
        {
            OptimizationResult result = Workplace.Run(wide.Request(request =>
            {
                request.Target = target;
                request.Settings.Pruning = pruning;
                request.Settings.Sparsity = 0.5;
                request.Settings.Precision = Precision.Float32;
                request.CalibrationData = wide.WriteData("calibration", count: 256, seed: 3, labelled: false);
                request.EvaluationData = wide.WriteData("evaluation", labelled: false);
            }));
            // A refit may add biases; float32 would be twice the size.
            Assert.IsLessThan(1.05 * result.Original!.Bytes, result.Optimized!.Bytes);
            return result.AccuracyDrop!.Value;
        }
    }

    [TestMethod]
    [DataRow(1f, false)]
    [DataRow(1e4f, true)]
    public void One_sample_unlike_the_others_that_spoils_the_ranges_is_a_finding(float factor, bool isFound)
    {
        using Workplace products = Workplace.With(SmallModels.WideMlp());
        Random random = new(3);
        float[] values = [.. Enumerable.Range(0, 64 * 64).Select(i => (random.NextSingle() * 2 - 1) * (i / 64 == 5 ? factor : 1))];
        NumpyWriter.Write(products["calibration/x.npy"], [64, 64], values);

        OptimizationResult result = Workplace.Run(products.Request(request =>
        {
            request.Settings.Precision = Precision.Int8;
            request.Settings.Calibration = Calibration.MinMax;
            request.CalibrationData = products["calibration"];
        }));

        Assert.IsTrue(result.Succeeded);
        Assert.AreEqual(isFound, result.Diagnostics.Any(diagnostic => diagnostic.Code == "MBT1010"), string.Join("\n", result.Diagnostics));
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Samples_that_are_not_finite_are_left_out_of_calibration_which_is_said(float number)
    {
        using Workplace products = Workplace.With(SmallModels.WideMlp());
        Random random = new(3);
        float[] values = [.. Enumerable.Range(0, 64 * 64).Select(i => i is 5 * 64 or 7 * 64 ? number : random.NextSingle() * 2 - 1)];
        NumpyWriter.Write(products["calibration/x.npy"], [64, 64], values);

        OptimizationResult result = Workplace.Run(products.Request(request =>
        {
            request.Settings.Precision = Precision.Int8;
            request.CalibrationData = products["calibration"];
        }));

        Assert.IsTrue(result.Quantization!.Layers.Any(layer => layer.IsInteger), string.Join("\n", result.Recipe.Select(step => step.Explanation)));
        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1011").Message, "2 of 64 samples of CalibrationData");
    }

    [TestMethod]
    public void Every_step_says_what_it_did()
    {
        OptimizationResult result = Workplace.Run(Int8(place));

        Assert.IsNotEmpty(result.Recipe);
        Assert.IsTrue(result.Recipe.All(step => step.Name.Length > 0 && step.Explanation.Length > 0));
    }

    [TestMethod]
    public void The_same_request_in_two_folders_gives_the_same_bytes()
    {
        using Workplace other = Workplace.With(SmallModels.Cnn());

        OptimizationResult first = Workplace.Run(Int8(place));
        OptimizationResult second = Workplace.Run(Int8(other));

        Assert.IsFalse(second.FromCache);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
    }

    [TestMethod]
    public async Task Two_runs_of_one_request_at_once_compute_once()
    {
        OptimizationRequest first = Int8(place);
        OptimizationRequest second = Int8(place);
        second.OutputPath = place["obj2/model.onnx"];

        OptimizationResult[] results = await Task.WhenAll(Task.Run(() => Workplace.Run(first)), Task.Run(() => Workplace.Run(second)));

        Assert.AreEqual(1, results.Count(result => result.FromCache));
        Assert.AreEqual(results[0].ArtifactSha256, results[1].ArtifactSha256);
    }

    [TestMethod]
    [DataRow("loading")]
    [DataRow("verifying")]
    [DataRow("measuring accuracy")]
    public void A_cancelled_run_leaves_the_previous_output_and_nothing_else(string stage)
    {
        using CancellationTokenSource cancellation = new();
        OptimizationRequest request = Int8(place);
        place.WritePreviousOutput();

        Assert.Throws<OperationCanceledException>(() => Workplace.Run(request, progress =>
        {
            if (progress.Stage == stage)
            {
                cancellation.Cancel();
            }
        }, cancellation.Token));

        place.AssertUntouched();
        Assert.IsFalse(Directory.Exists(Path.Combine(place.Cache, "ac")) || Directory.Exists(Path.Combine(place.Cache, "cas")), "The cache holds no part of it.");
    }

    [TestMethod]
    public void A_run_past_its_limit_is_a_diagnostic()
    {
        OptimizationRequest request = Int8(place);
        request.TimeoutSeconds = 0.01;
        place.WritePreviousOutput();

        OptimizationResult result = Workplace.Run(request, progress => Thread.Sleep(50));

        Assert.AreEqual("MBT3004", result.Diagnostics.Single().Code);
        place.AssertUntouched();
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1e12)]
    public void A_limit_of_zero_or_of_ages_is_none(double seconds) => Assert.IsTrue(Workplace.Run(place.Request(request => request.TimeoutSeconds = seconds)).Succeeded);

    [TestMethod]
    public void The_source_model_is_not_written()
    {
        byte[] before = File.ReadAllBytes(place.ModelPath);
        DateTime time = File.GetLastWriteTimeUtc(place.ModelPath);

        Workplace.Run(Int8(place));

        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
        Assert.AreEqual(time, File.GetLastWriteTimeUtc(place.ModelPath));
    }

    [TestMethod]
    public void Dynamic_quantization_needs_no_data()
    {
        using Workplace mlp = Workplace.With(SmallModels.Mlp());

        OptimizationResult result = Workplace.Run(mlp.Request(request => request.Settings.Quantization = Quantization.Dynamic));

        Assert.IsTrue(result.Recipe.Single(step => step.Name == "dynamic int8 quantization").Applied, result.Recipe[^1].Explanation);
        Assert.IsLessThan(result.Original!.Bytes, result.Optimized!.Bytes);
    }

    [TestMethod]
    public void The_sample_s_model_becomes_a_third_of_its_size_and_as_good()
    {
        using Workplace sample = Workplace.With(Model.Load(Repository.File("samples/MeterReader/Models/digits.onnx")));

        OptimizationResult result = Workplace.Run(sample.Request(request =>
        {
            request.Settings.Quantization = Quantization.Static;
            request.CalibrationData = Repository.File("samples/MeterReader/Data/calibration");
            request.EvaluationData = Repository.File("samples/MeterReader/Data/evaluation");
        }));

        Assert.IsLessThan(result.Original!.Bytes / 3, result.Optimized!.Bytes);
        Assert.IsLessThan(0.01, result.AccuracyDrop!.Value);
        Assert.IsGreaterThan(0.9, result.Optimized.Accuracy!.Value);
    }

    private static OptimizationRequest Int8(Workplace place) => place.Request(request =>
    {
        request.Settings.Precision = Precision.Int8;
        request.CalibrationData = place.WriteData("calibration", count: 16, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation");
    });
}
