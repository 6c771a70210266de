using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class RequestKeys
{
    [TestMethod]
    public void Do_not_depend_on_paths_on_the_time_limit_or_on_the_cache()
    {
        static void Elsewhere(OptimizationRequest request)
        {
            request.ModelPath = "/other/model.onnx";
            request.OutputPath = "/other/obj/model.onnx";
            request.ResultPath = "/other/obj/model.result.json";
            request.CacheDirectory = "/other/cache";
            request.TimeoutSeconds = 5;
            request.Inputs[0].Path = "/other/model.onnx";
            request.Runtime!.Folder = "/other/packages";
        }

        Assert.AreEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(Elsewhere)));
        Assert.AreEqual(RequestKey.OfResult(Request()), RequestKey.OfResult(Request(Elsewhere)));
    }

    [TestMethod]
    public void A_budget_a_name_a_measurement_or_compression_makes_another_result_of_the_same_artifact()
    {
        static void Limited(OptimizationRequest request) => request.Budgets.MaxSizeBytes = 1;
        static void Renamed(OptimizationRequest request) => request.Name = "other";
        static void Compressed(OptimizationRequest request) => request.Compress = true;
        static void Measured(OptimizationRequest request) => request.Measurements.Add(new InputDigest { Sha256 = "m" });

        foreach (Action<OptimizationRequest> change in new Action<OptimizationRequest>[] { Limited, Renamed, Compressed, Measured })
        {
            Assert.AreEqual(RequestKey.OfArtifact(Request(Named)), RequestKey.OfArtifact(Request(Named + change)));
            Assert.AreEqual(RequestKey.OfArtifact(Request(Lock)), RequestKey.OfArtifact(Request(change + Lock)));
            Assert.AreNotEqual(RequestKey.OfResult(Request(Named)), RequestKey.OfResult(Request(Named + change)));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Limits))]
    public void A_search_finds_another_artifact_for_every_budget(string what, Action<OptimizationRequest> limit)
    {
        static void Automatic(OptimizationRequest request) => request.Settings.Pruning = Pruning.Auto;

        Assert.AreNotEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(limit)), what);
        Assert.AreNotEqual(RequestKey.OfArtifact(Request(Named + Automatic)), RequestKey.OfArtifact(Request(Named + Automatic + limit)), what);
    }

    [TestMethod]
    public void A_name_and_a_measurement_are_nothing_to_a_search()
    {
        Assert.AreEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(request => request.Name = "other")));
        Assert.AreEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(request => request.Measurements.Add(new InputDigest { Sha256 = "m" }))));
    }

    [TestMethod]
    public void What_a_search_begins_with_is_part_of_it_and_nothing_to_what_is_named()
    {
        static void Begin(OptimizationRequest request) => request.Start = new PinnedRecipe { Precision = Precision.Int8 };

        Assert.AreNotEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(Begin)));
        Assert.AreEqual(RequestKey.OfArtifact(Request(Named)), RequestKey.OfArtifact(Request(Named + Begin)));
    }

    [TestMethod]
    public void What_is_locked_is_its_recipe_whatever_bytes_it_gave()
    {
        static void LockOther(OptimizationRequest request) =>
            request.Locked = LockedChoice.Of(LockEntry.Of(request, new OptimizationResult { ArtifactSha256 = "other", Pinned = new PinnedRecipe { Precision = Precision.Int8 } }), request);

        Assert.AreEqual(RequestKey.OfArtifact(Request(Lock)), RequestKey.OfArtifact(Request(LockOther)));
        Assert.AreEqual(RequestKey.OfArtifact(Request(Lock)), RequestKey.OfArtifact(Request(), new PinnedRecipe { Precision = Precision.Int8 }));
        Assert.AreEqual(RequestKey.OfResult(Request(Lock)), RequestKey.OfResult(Request(), new PinnedRecipe { Precision = Precision.Int8 }));
    }

    [TestMethod]
    public void Every_accuracy_budget_makes_another_artifact_where_it_decides_what_is_pruned()
    {
        static void Automatic(OptimizationRequest request) => request.Settings.Pruning = Pruning.Auto;
        foreach (Action<OptimizationRequest> change in new Action<OptimizationRequest>[] { request => request.Budgets.MinAccuracy = 0.9, request => request.Budgets.MaxClassAccuracyDrop = 0.1 })
        {
            Assert.AreEqual(RequestKey.OfArtifact(Request(Named)), RequestKey.OfArtifact(Request(Named + change)));
            Assert.AreNotEqual(RequestKey.OfArtifact(Request(Automatic + Lock)), RequestKey.OfArtifact(Request(Automatic + change + Lock)), "Also where a recipe is locked.");
        }
    }

    [TestMethod]
    public void An_artifact_and_its_result_have_two_keys() => Assert.AreNotEqual(RequestKey.OfArtifact(Request()), RequestKey.OfResult(Request()));

    [TestMethod]
    [DynamicData(nameof(Changes))]
    public void An_artifact_depends_on(string what, Action<OptimizationRequest> change) =>
        Assert.AreNotEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(change)), what);

    [TestMethod]
    [DynamicData(nameof(Settings))]
    public void No_setting_is_forgotten(string setting)
    {
        var property = typeof(ModelSettings).GetProperty(setting)!;

        Assert.Contains(change => !Equals(property.GetValue(Request().Settings), property.GetValue(Request(change.Change).Settings)), Changes, "An artifact depends on it; say so in Changes.");
    }

    [TestMethod]
    public void The_order_of_inputs_is_nothing() => Assert.AreEqual(RequestKey.OfArtifact(Request()), RequestKey.OfArtifact(Request(request =>
    {
        var first = request.Inputs[0];
        request.Inputs.RemoveAt(0);
        request.Inputs.Add(first);
    })));

    [TestMethod]
    public void The_processors_name_is_read_where_linux_states_it() =>
        Assert.AreEqual("AMD EPYC 9R14", ProcessorName.Find(["processor\t: 0", "model name\t: AMD EPYC 9R14", "model name\t: other"]));

    [TestMethod]
    public void Processors_of_one_name_are_told_apart_by_the_instructions_that_kernels_are_chosen_by() =>
        Assert.AreEqual("AMD EPYC with avx2, avx512f, avx512_vnni", ProcessorName.Find(["model name\t: AMD EPYC", "flags\t\t: fpu avx avx2 avx512f avx512_vnni", "", "flags\t\t: amx_int8"]));

    [TestMethod]
    public void Where_linux_gives_no_name_it_gives_the_designer_and_the_part() =>
        Assert.AreEqual("implementer 0x41 part 0xd0c", ProcessorName.Find(["processor\t: 0", "CPU implementer\t: 0x41", "CPU part\t: 0xd0c", ""]));

    [TestMethod]
    public void What_has_no_name_is_never_known_to_be_the_same()
    {
        Assert.IsTrue(ProcessorName.AreSame("AMD EPYC (X64)", "AMD EPYC (X64)"));
        Assert.IsFalse(ProcessorName.AreSame("AMD EPYC (X64)", "AMD EPYC with avx2 (X64)"));
        Assert.IsFalse(ProcessorName.AreSame("unnamed processor (Arm64)", "unnamed processor (Arm64)"));
    }

    private static IEnumerable<string> Settings => typeof(ModelSettings).GetProperties().Select(property => property.Name);

    /// <summary>Leaves nothing to a search.</summary>
    private static Action<OptimizationRequest> Named => request => request.Settings.Precision = Precision.Float32;

    private static Action<OptimizationRequest> Lock => request =>
        request.Locked = LockedChoice.Of(LockEntry.Of(request, new OptimizationResult { ArtifactSha256 = "locked", Pinned = new PinnedRecipe { Precision = Precision.Int8 } }), request);

    private static IEnumerable<(string What, Action<OptimizationRequest> Limit)> Limits =>
    [
        ("least accuracy", request => request.Budgets.MinAccuracy = 0.9),
        ("accuracy drop", request => request.Budgets.MaxAccuracyDrop = 0.2),
        ("drop of a class", request => request.Budgets.MaxClassAccuracyDrop = 0.1),
        ("latency", request => request.Budgets.MaxLatencyMilliseconds = 8),
        ("another processor's latency", request => request.Budgets.MaxLatencyProcessor = "Some Processor (X64)"),
        ("latency ratio", request => request.Budgets.MaxLatencyRatio = 0.7),
        ("size", request => request.Budgets.MaxSizeBytes = 1),
        ("size ratio", request => request.Budgets.MaxSizeRatio = 0.5),
        ("memory", request => request.Budgets.MaxMemoryBytes = 1),
        ("compression", request => request.Compress = true),
    ];

    [TestMethod]
    public void What_is_trained_in_other_time_is_another_artifact_but_where_it_is_locked()
    {
        Assert.AreNotEqual(Trained(seconds: 60), Trained(seconds: 90));
        Assert.AreEqual(Trained(seconds: 60, Lock), Trained(seconds: 90, Lock));

        static string Trained(double seconds, Action<OptimizationRequest>? change = null) => RequestKey.OfArtifact(Request(request =>
        {
            (request.Settings.FineTune, request.TimeoutSeconds) = (FineTune.Distill, seconds);
            change?.Invoke(request);
        }));
    }

    [TestMethod]
    public void Where_trained_models_are_kept_is_no_part_of_a_key() =>
        Assert.AreEqual(RequestKey.OfResult(Request()), RequestKey.OfResult(Request(request => request.TrainedWeightsDirectory = "/project/trained")));

    private static IEnumerable<(string What, Action<OptimizationRequest> Change)> Changes =>
    [
        ("model", request => request.Inputs[0].Sha256 = "b1"),
        ("external data", request => request.Inputs.Add(new InputDigest { Role = "external/w.bin", Sha256 = "c0" })),
        ("what data is for", request => request.Inputs[1].Role = "evaluation"),
        ("worker", request => request.Worker = "other"),
        ("target", request => request.Target = TargetNames.CpuX64),
        ("precision", request => request.Settings.Precision = Precision.Int8),
        ("quantization", request => request.Settings.Quantization = Quantization.Dynamic),
        ("calibration", request => request.Settings.Calibration = Calibration.MinMax),
        ("pruning", request => request.Settings.Pruning = Pruning.Magnitude),
        ("sparsity", request => request.Settings.Sparsity = 0.5),
        ("threshold", request => request.Settings.PruningThreshold = 0.5),
        ("scope", request => request.Settings.PruningScope = PruningScope.Local),
        ("excluded layers", request => request.Settings.PruningExclude = ["first"]),
        ("disabled rules", request => request.Settings.DisabledRules = ["FoldShape"]),
        ("fine-tuning", request => request.Settings.FineTune = FineTune.Distill),
        ("rounds of training", request => request.Settings.FineTuneEpochs = 3),
        ("teacher", request => request.Inputs.Add(new InputDigest { Role = "teacher", Sha256 = "c1" })),
        ("student", request => request.Inputs.Add(new InputDigest { Role = "student", Sha256 = "c1" })),
        ("training data", request => request.Inputs.Add(new InputDigest { Role = "training", Sha256 = "c1" })),
        ("metric", request => request.Settings.Metric = Metric.Cosine),
        ("objective", request => request.Settings.Objective = Objective.Size),
        ("types of inputs and outputs", request => request.Settings.IoPrecision = IoPrecision.Float16),
        ("format", request => request.Settings.Format = ArtifactFormat.Ort),
        ("measurement", request => request.Measurement = Measurement.Auto),
        ("package of the runtime", request => request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime.Gpu", Version = "1.31.1" }),
        ("version of the runtime", request => request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.30.0" }),
        ("no runtime", request => request.Runtime = null),
        ("what is locked", Lock),
        ("accuracy drop that Auto may spend", request => request.Budgets.MaxAccuracyDrop = 0.2),
    ];

    private static OptimizationRequest Request(Action<OptimizationRequest>? change = null)
    {
        var request = new OptimizationRequest
        {
            ModelPath = "/project/model.onnx",
            Name = "model",
            Target = TargetNames.Cpu,
            Measurement = Measurement.Skip,
            Worker = "worker",
            Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.31.1", Folder = "/packages" },
            Inputs = { new InputDigest { Role = "model", Path = "/project/model.onnx", Sha256 = "a1" }, new InputDigest { Role = "calibration", Path = "/project/data", Sha256 = "a2" } },
        };
        change?.Invoke(request);
        return request;
    }
}
