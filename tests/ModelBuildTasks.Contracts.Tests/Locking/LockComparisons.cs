using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Tests.Locking;

[TestClass]
public sealed class LockComparisons
{
    [TestMethod]
    [DataRow(900, false)]
    [DataRow(1010, false)]
    [DataRow(1011, true)]
    public void Larger_by_more_than_a_percent_is_worse(int bytes, bool isWorse) =>
        Assert.AreEqual(isWorse, Regressions(result => result.Optimized!.Bytes = bytes).Any());

    [TestMethod]
    public void What_ships_compressed_is_compared_compressed()
    {
        var locked = Compressed(artifact: 1000, shipped: 500);

        Assert.IsEmpty(LockComparison.Regressions(locked, Compressed(artifact: 2000, shipped: 500)));
        StringAssert.Contains(LockComparison.Regressions(locked, Compressed(artifact: 900, shipped: 600)).Single(), "600 bytes ship, 500 are locked");
    }

    [TestMethod]
    [DataRow(0.02, 0.002, 0.03, false, DisplayName = "the intervals overlap")]
    [DataRow(0.004, 0.0035, 0.0045, false, DisplayName = "1,000 samples can't tell 0.4 points from 0.1")]
    [DataRow(0.02, 0.01, 0.03, true)]
    [DataRow(-0.02, -0.03, -0.01, false)]
    [DataRow(double.NaN, double.NaN, double.NaN, false)]
    public void A_drop_whose_interval_lies_beyond_the_locked_one_is_worse(double drop, double low, double high, bool isWorse) =>
        Assert.AreEqual(isWorse, Regressions(result => (result.AccuracyDrop!.Value, result.AccuracyDrop.Low, result.AccuracyDrop.High) = (drop, low, high)).Any());

    [TestMethod]
    [DataRow(Metric.Agreement, false)]
    [DataRow(Metric.AreaUnderRoc, false)]
    [DataRow(Metric.Cosine, true)]
    public void How_many_samples_there_were_counts_where_a_drop_is_a_share_of_them(Metric metric, bool isWorse) => Assert.AreEqual(isWorse, LockComparison.Regressions(
        Locked.Entry(result: result => result.AccuracyDrop!.Metric = metric),
        Locked.Entry(result: result => (result.AccuracyDrop!.Metric, result.AccuracyDrop.Value, result.AccuracyDrop.Low, result.AccuracyDrop.High) = (metric, 0.004, 0.0035, 0.0045))).Any());

    [TestMethod]
    public void Drops_of_another_metric_are_not_compared() =>
        Assert.IsEmpty(Regressions(result => (result.AccuracyDrop!.Metric, result.AccuracyDrop.Low, result.AccuracyDrop.High) = (Metric.F1, 0.1, 0.2)));

    [TestMethod]
    [DataRow(0.42, false, DisplayName = "within what runs on one processor differ by")]
    [DataRow(0.45, false)]
    [DataRow(0.46, true)]
    public void A_latency_ratio_whose_interval_lies_above_the_locked_one_and_a_margin_is_worse(double low, bool isWorse) =>
        Assert.AreEqual(isWorse, Regressions(result => Slower(result, low)).Any());

    [TestMethod]
    public void Latency_of_another_processor_or_number_of_threads_is_not_compared()
    {
        Assert.IsEmpty(Regressions(result => Slower(result, 0.9).Processor = "Another Processor (X64)"));
        Assert.IsEmpty(Regressions(result => Slower(result, 0.9).Threads = 4));
        Assert.IsEmpty(LockComparison.Regressions(
            Locked.Entry(result: result => result.LatencyRatio!.Processor = "unnamed processor (Arm64)"),
            Locked.Entry(result: result => Slower(result, 0.9).Processor = "unnamed processor (Arm64)")));
        Assert.IsEmpty(Regressions(result => result.LatencyRatio = new LatencyRatio { Reason = "ModelMeasurement is Skip" }));
    }

    [TestMethod]
    public void Each_regression_is_said_by_itself_with_its_numbers()
    {
        var worse = Regressions(result =>
        {
            result.Optimized!.Bytes = 2000;
            (result.AccuracyDrop!.Value, result.AccuracyDrop.Low, result.AccuracyDrop.High) = (0.02, 0.01, 0.03);
            Slower(result, 0.9);
        }).ToList();

        CollectionAssert.AreEqual(new[]
        {
            "2,000 bytes ship, 1,000 are locked (× 2, × 1.01 is tolerated)",
            "the Top1 drop against the original is 0.02 [0.01, 0.03] on 1,000 samples, 0.001 [0, 0.003] on 1,000 is locked",
            "the latency ratio to the original is 0.91 [0.9, 0.92], 0.4 [0.39, 0.41] is locked on this processor",
        }, worse);
    }

    [TestMethod]
    public void The_same_again_is_up_to_date() => Assert.IsEmpty(LockComparison.Differences(Locked.Entry(), Locked.Entry()));

    [TestMethod]
    public void Another_source_model_or_external_data_is_out_of_date()
    {
        var external = Locked.Entry(request => request.Inputs.Add(new InputDigest { Role = "external/weights.bin", Sha256 = "e000" }));
        var trained = Locked.Entry(request => request.Inputs.Add(new InputDigest { Role = "external/weights.bin", Sha256 = "e001" }));

        StringAssert.Contains(LockComparison.Differences(Locked.Entry(), Locked.Entry(request => request.Inputs[0].Sha256 = "5001")).Single(), "5001, 5000 is locked");
        StringAssert.Contains(LockComparison.Differences(external, trained).Single(), "source model");
    }

    [TestMethod]
    [DataRow("teacher", "Teacher")]
    [DataRow("student", "Student")]
    [DataRow("training", "TrainingData")]
    public void What_a_model_is_trained_with_is_out_of_date_by_its_contents(string role, string metadata)
    {
        var locked = Locked.Entry(request => With(request, "/here", "c000"));

        Assert.IsEmpty(LockComparison.Differences(locked, Locked.Entry(request => With(request, "/elsewhere", "c000"))));
        Assert.AreEqual($"{metadata} is \"c001\"; in the lock file it is \"c000\"", LockComparison.Differences(locked, Locked.Entry(request => With(request, "/here", "c001"))).Single());

        void With(OptimizationRequest request, string path, string sha256)
        {
            typeof(OptimizationRequest).GetProperty(metadata)!.SetValue(request, path);
            request.Inputs.Add(new InputDigest { Role = role, Path = path, Sha256 = sha256 });
        }
    }

    [TestMethod]
    public void A_setting_that_steers_is_out_of_date_by_name()
    {
        var differences = LockComparison.Differences(
            Locked.Entry(request => request.Settings.Precision = Precision.Int8),
            Locked.Entry(request => (request.Compress, request.Budgets.MaxAccuracyDrop) = (true, 0.1))).ToArray();

        CollectionAssert.AreEqual(new[] { "Compress is \"true\"; in the lock file it is not set", "MaxAccuracyDrop is \"0.1\"; in the lock file it is not set", "Precision is not set; in the lock file it is \"Int8\"" }, differences);
    }

    [TestMethod]
    public void A_budget_that_only_judges_is_not() =>
        Assert.IsEmpty(LockComparison.Differences(Locked.Entry(), Locked.Entry(request => (request.Budgets.MaxSizeBytes, request.Budgets.MinAccuracy) = (10, 0.5))));

    [TestMethod]
    public void Data_counts_by_what_it_holds_and_not_by_where_it_lies()
    {
        var locked = Locked.Entry(request => AddCalibration(request, "/home/somebody/data", "da0a"));

        Assert.IsEmpty(LockComparison.Differences(locked, Locked.Entry(request => AddCalibration(request, "/ci/data", "da0a"))));
        StringAssert.Contains(LockComparison.Differences(locked, Locked.Entry(request => AddCalibration(request, "/ci/data", "da0b"))).Single(), "CalibrationData is \"da0b\"; in the lock file it is \"da0a\"");
    }

    [TestMethod]
    public void Other_bytes_of_the_same_request_are_out_of_date_on_the_same_processor() =>
        StringAssert.Contains(LockComparison.Differences(Calibrated(), Calibrated(result => result.ArtifactSha256 = "a001")).Single(), "a001, a000 is locked (by the same steps)");

    [TestMethod]
    public void Other_bytes_of_the_same_request_say_which_step_changed() =>
        StringAssert.Contains(LockComparison.Differences(Calibrated(), Calibrated(result =>
        {
            result.ArtifactSha256 = "a001";
            result.Recipe[2].Name = "dynamic int8 quantization";
        })).Single(), "(without static int8 quantization; with dynamic int8 quantization)");

    [TestMethod]
    public void Another_recipe_is_out_of_date_on_every_processor() =>
        StringAssert.Contains(LockComparison.Differences(Calibrated(), Calibrated(result =>
        {
            Elsewhere(result);
            result.Pinned = new PinnedRecipe { Precision = Precision.Int8, Quantization = Quantization.Static };
        })).Single(), "another recipe than is locked (by the same steps)");

    [TestMethod]
    public void An_entry_without_a_recipe_is_out_of_date() =>
        StringAssert.Contains(LockComparison.Differences(Locked.Entry(result: result => result.Pinned = null), Locked.Entry()).Single(), "no recipe");

    [TestMethod]
    public void Another_processor_may_calibrate_to_other_bytes() =>
        Assert.IsEmpty(LockComparison.Differences(Calibrated(), Calibrated(result => (result.ArtifactSha256, result.LatencyRatio!.Processor) = ("a001", "Another Processor (X64)"))));

    [TestMethod]
    public void Without_calibration_every_processor_makes_the_same_bytes() =>
        Assert.HasCount(1, LockComparison.Differences(Locked.Entry(), Locked.Entry(result: result => (result.ArtifactSha256, result.LatencyRatio) = ("a001", null))));

    [TestMethod]
    public void A_measured_latency_may_decide_otherwise_on_another_processor() =>
        Assert.IsEmpty(LockComparison.Differences(Locked.Entry(), Locked.Entry(result: result =>
        {
            (result.ArtifactSha256, result.LatencyRatio) = ("a001", null);
            result.Recipe[2].Applied = false;
        })));

    [TestMethod]
    public void The_same_bytes_with_a_latency_that_cannot_be_told_apart_are_no_news()
    {
        Assert.IsTrue(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => Slower(result, 0.40))));
        Assert.IsTrue(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => Slower(result, 0.9).Processor = "Another Processor (X64)")));
        Assert.IsTrue(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => result.LatencyRatio = null)));
    }

    [TestMethod]
    public void What_another_processor_makes_by_the_same_steps_is_no_news_unless_a_figure_differs()
    {
        Assert.IsTrue(LockComparison.IsSame(Calibrated(), Calibrated(Elsewhere)));
        Assert.IsFalse(LockComparison.IsSame(Calibrated(), Calibrated(result =>
        {
            Elsewhere(result);
            result.Optimized!.Bytes = 999;
        })));
    }

    [TestMethod]
    public void Another_recipe_or_the_first_is_news()
    {
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => result.Pinned!.FloatNodes = ["scores", "stem"])));
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => result.Pinned!.IsJudged = true)));
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(result: result => result.Pinned = null), Locked.Entry()));
    }

    [TestMethod]
    public void Another_latency_other_bytes_or_the_first_measurement_are_news()
    {
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => Slower(result, 0.9))));
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => Slower(result, 0.1))));
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(), Locked.Entry(result: result => result.ArtifactSha256 = "a001")));
        Assert.IsFalse(LockComparison.IsSame(Locked.Entry(result: result => result.LatencyRatio = null), Locked.Entry()));
    }

    private static void Elsewhere(OptimizationResult result) => (result.ArtifactSha256, result.LatencyRatio!.Processor) = ("a001", "Another Processor (X64)");

    private static IEnumerable<string> Regressions(Action<OptimizationResult> change) => LockComparison.Regressions(Locked.Entry(), Locked.Entry(result: change));

    private static LockEntry Calibrated(Action<OptimizationResult>? change = null) => Locked.Entry(request => AddCalibration(request, "/home/somebody/data", "da0a"), change);

    private static LockEntry Compressed(long artifact, long shipped) => Locked.Entry(request => request.Compress = true, result =>
    {
        result.IsCompressed = true;
        (result.Optimized!.Bytes, result.Optimized.CompressedBytes) = (artifact, shipped);
    });

    private static LatencyRatio Slower(OptimizationResult result, double low)
    {
        (result.LatencyRatio!.Low, result.LatencyRatio.Value, result.LatencyRatio.High) = (low, low + 0.01, low + 0.02);
        return result.LatencyRatio;
    }

    private static void AddCalibration(OptimizationRequest request, string path, string digest)
    {
        request.CalibrationData = path;
        request.Inputs.Add(new InputDigest { Role = "calibration", Path = path, Sha256 = digest });
    }
}
