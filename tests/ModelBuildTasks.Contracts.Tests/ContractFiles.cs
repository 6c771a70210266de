using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class ContractFiles
{
    private readonly string _folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;

    private string In(string name) => Path.Combine(_folder, name);

    [TestCleanup]
    public void Cleanup() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void A_request_comes_back_as_it_was_written()
    {
        var request = Request();

        request.Write(In("a.request.json"));
        var read = OptimizationRequest.Read(In("a.request.json"));

        Assert.AreEqual(request.ModelPath, read.ModelPath);
        Assert.AreEqual(Precision.Int8, read.Settings.Precision);
        CollectionAssert.AreEqual(request.Settings.PruningExclude.ToArray(), read.Settings.PruningExclude.ToArray());
        CollectionAssert.AreEqual(request.Settings.DisabledRules.ToArray(), read.Settings.DisabledRules.ToArray());
        Assert.AreEqual(0.01, read.Budgets.MaxAccuracyDrop);
        Assert.IsNull(read.Budgets.MaxMemoryBytes);
        Assert.AreEqual(Measurement.Require, read.Measurement);
        Assert.IsTrue(read.Compress);
        Assert.AreEqual("abc", read.Inputs.Single().Sha256);
        Assert.IsTrue(read.Inputs.Single().IsModel);
        Assert.AreEqual("def", read.Measurements.Single().Sha256);
        Assert.AreEqual("Some Processor (X64)", read.Budgets.MaxLatencyProcessor);
    }

    [TestMethod]
    public void What_accuracy_told_comes_back_as_it_was_written()
    {
        var details = new AccuracyDetails { SmallestResolvableDrop = 0.003, Agreement = 0.99, Lost = 7, Won = 2, PValue = 0.18, ClassCount = 1000 };
        details.Classes.Add(new ClassResult { Class = 3, Name = "größe", Samples = 10, RightOriginal = 9, RightOptimized = 8, AnsweredOriginal = 11, AnsweredOptimized = 12 });
        details.Confusion.Add(new ConfusionCount { Label = 3, Answer = ConfusionCount.NoClass, Original = 1, Optimized = 2 });
        details.Slices.Add(new SliceResult { Slice = "night", Samples = 40, Drop = 0.05, Low = -0.01, High = 0.12 });

        new OptimizationResult { AccuracyDetails = details }.Write(In("a.result.json"));
        var read = OptimizationResult.Read(In("a.result.json")).AccuracyDetails!;

        Assert.AreEqual((0.003, 0.99, 7, 2, 0.18, 1000, false), (read.SmallestResolvableDrop, read.Agreement, read.Lost, read.Won, read.PValue, read.ClassCount, read.IsWhole));
        var entry = read.Classes.Single();
        Assert.AreEqual((3, "3 größe", 10, 9, 8, 11, 12), (entry.Class, entry.Title, entry.Samples, entry.RightOriginal, entry.RightOptimized, entry.AnsweredOriginal, entry.AnsweredOptimized));
        var cell = read.Confusion.Single();
        Assert.AreEqual((3, -1, 1, 2), (cell.Label, cell.Answer, cell.Original, cell.Optimized));
        var slice = read.Slices.Single();
        Assert.AreEqual(("night", 40, 0.05, -0.01, 0.12), (slice.Slice, slice.Samples, slice.Drop, slice.Low, slice.High));
    }

    [TestMethod]
    public void What_accuracy_could_not_tell_is_missing()
    {
        new OptimizationResult { AccuracyDetails = new AccuracyDetails() }.Write(In("a.result.json"));
        var read = OptimizationResult.Read(In("a.result.json")).AccuracyDetails!;

        Assert.IsTrue(read is { Agreement: null, Lost: null, Won: null, PValue: null });
        Assert.IsNull(OptimizationResult.FromJson(new OptimizationResult().ToJson()).AccuracyDetails);
    }

    [TestMethod]
    public void A_result_comes_back_as_it_was_written()
    {
        var result = new OptimizationResult
        {
            Succeeded = true,
            Model = "/models/größe.onnx",
            Target = TargetNames.CpuX64,
            IsCompressed = true,
            Original = new ModelFigures { Bytes = 400, CompressedBytes = 300, Multiplications = 5_000_000_000, Accuracy = 0.98, PeakMemoryBytes = 6_000_000_000 },
            Profile = new OperatorProfile { Optimized = [new OperatorTime { Name = "conv", OpType = "Conv", Milliseconds = 0.5, Share = 0.25 }] },
            AccuracyDrop = new AccuracyDrop { Value = 0.002, Low = -0.001, High = 0.005, Samples = 1000, Metric = Metric.Top1 },
            LatencyRatio = new LatencyRatio { Reason = "no CUDA device" },
        };
        result.Recipe.Add(new RecipeStep { Name = "FoldBatchNormalization", Applied = true, Explanation = "folded 27", Reasons = ["'c' is used by another node"] });
        result.Budgets.Add(new JudgedBudget { Name = "MaxSize", Allowed = 400, Value = 500, Low = 500, High = 500, Verdict = Verdict.Failed, Sentence = "500; 400 is allowed." });
        result.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.SizeBudget, result.Model, "größe", "cpu-x64", "500 KB", "400 KB"));

        result.Write(In("a.result.json"));
        var read = OptimizationResult.Read(In("a.result.json"));

        Assert.IsTrue(read.IsCompressed);
        Assert.AreEqual((300L, 5_000_000_000L), (read.Original!.CompressedBytes, read.Original.Multiplications));
        Assert.AreEqual(6_000_000_000L, read.Original.PeakMemoryBytes);
        Assert.AreEqual(("conv", "Conv", 0.5, 0.25), read.Profile!.Optimized.Select(time => (time.Name, time.OpType, time.Milliseconds, time.Share)).Single());
        Assert.IsEmpty(read.Profile.Original);
        Assert.IsNull(read.Device);
        Assert.AreEqual(Metric.Top1, read.AccuracyDrop!.Metric);
        Assert.AreEqual("folded 27", read.Recipe.Single().Explanation);
        CollectionAssert.AreEqual(new[] { "'c' is used by another node" }, read.Recipe.Single().Reasons.ToArray());
        Assert.AreEqual(("MaxSize", 400, 500, Verdict.Failed), (read.Budgets.Single().Name, read.Budgets.Single().Allowed, read.Budgets.Single().High, read.Budgets.Single().Verdict));
        Assert.AreEqual("MBT2004", read.Diagnostics.Single().Code);
        Assert.AreEqual(DiagnosticSeverity.Error, read.Diagnostics.Single().Severity);
        Assert.AreEqual(result.Diagnostics.Single().Message, read.Diagnostics.Single().Message);
        Assert.IsNull(read.LatencyRatio!.Value);
    }

    [TestMethod]
    public void Choices_are_written_by_name_and_lines_are_indented()
    {
        Request().Write(In("a.request.json"));

        StringAssert.Contains(File.ReadAllText(In("a.request.json")), "    \"Precision\": \"Int8\"");
    }

    [TestMethod]
    public void Members_absent_from_the_file_have_their_defaults()
    {
        File.WriteAllText(In("a.request.json"), """{ "Version": 3, "Name": "digits" }""");

        var read = OptimizationRequest.Read(In("a.request.json"));

        Assert.AreEqual("", read.OutputPath);
        Assert.AreEqual(Precision.Auto, read.Settings.Precision);
        Assert.IsEmpty(read.Inputs);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("weights")]
    [DataRow("{ \"Version\": 99 }")]
    [DataRow("{ \"Version\": 2, \"Measurement\": \"Perhaps\" }")]
    public void A_file_that_is_no_request_is_refused_with_its_path(string text)
    {
        File.WriteAllText(In("a.request.json"), text);

        var exception = Assert.ThrowsExactly<InvalidDataException>(() => OptimizationRequest.Read(In("a.request.json")));

        StringAssert.Contains(exception.Message, "a.request.json");
    }

    [TestMethod]
    public void Writing_the_same_request_again_keeps_its_time()
    {
        var path = In("a.request.json");
        Assert.IsTrue(Request().WriteIfDifferent(path));
        var time = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(path, time);

        Assert.IsFalse(Request().WriteIfDifferent(path));

        Assert.AreEqual(time, File.GetLastWriteTimeUtc(path));
    }

    [TestMethod]
    public void A_changed_setting_rewrites_the_request()
    {
        var path = In("a.request.json");
        Request().WriteIfDifferent(path);
        var changed = Request();
        changed.Settings.Precision = Precision.Float16;

        Assert.IsTrue(changed.WriteIfDifferent(path));

        Assert.AreEqual(Precision.Float16, OptimizationRequest.Read(path).Settings.Precision);
    }

    [TestMethod]
    public void Writing_leaves_no_other_file_behind()
    {
        Request().Write(In("a.request.json"));
        Request().Write(In("a.request.json"));

        Assert.HasCount(1, Directory.GetFiles(_folder));
    }

    private static OptimizationRequest Request() => new()
    {
        ModelPath = "/models/größe.onnx",
        Name = "größe",
        Target = TargetNames.CpuX64,
        Settings = { Precision = Precision.Int8, PruningExclude = ["a,b", "c*"], DisabledRules = ["FixReshape", "FoldShape"] },
        Budgets = { MaxAccuracyDrop = 0.01, MaxLatencyProcessor = "Some Processor (X64)", MaxSizeBytes = 400 * 1024 },
        Measurement = Measurement.Require,
            Compress = true,
        Inputs = { new InputDigest { Role = "model", Path = "/models/größe.onnx", Files = 1, Length = 5, Sha256 = "abc" } },
        Measurements = { new InputDigest { Role = "measurement", Path = "/measurements/größe.json", Files = 1, Length = 5, Sha256 = "def" } },
    };
}
