using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Releases;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Artifacts for the ONNX Runtime that a project references.</summary>
[TestClass]
public sealed class AppRuntimeTests
{
    [TestMethod]
    [DataRow("1.14.0")]
    [DataRow("1.16.3")]
    [DataRow("1.17.3")]
    [DataRow("1.20.1")]
    [DataRow("1.23.2")]
    [DataRow("1.27.0")]
    public void A_static_int8_artifact_runs_in_the_older_release(string version)
    {
        AppRuntime runtime = OlderRuntimes.Require(version);
        using Workplace place = Workplace.With(SmallModels.WideMlp());

        OptimizationResult result = Workplace.Run(place.Request(request =>
        {
            request.Runtime = runtime;
            request.Settings.Quantization = Quantization.Static;
            request.CalibrationData = place.WriteData("calibration", labelled: false);
        }));

        Assert.IsTrue(result.Recipe.Single(step => step.Name == "static int8 quantization").Applied, string.Join("\n", result.Recipe.Select(step => step.Explanation)));
        AssertRuns(place, runtime);
    }

    [TestMethod]
    [DataRow("1.17.3")]
    [DataRow("1.19.2")]
    public void Packed_weights_take_the_form_of_the_older_release(string version)
    {
        AppRuntime runtime = OlderRuntimes.Require(version);
        using Workplace place = Workplace.With(SmallModels.WideMlp());

        OptimizationResult result = Workplace.Run(place.Request(request =>
        {
            request.Runtime = runtime;
            request.Settings.Precision = Precision.Int4;
        }));

        Assert.IsLessThan(result.Original!.Bytes / 4, result.Optimized!.Bytes);
        AssertRuns(place, runtime);
    }

    [TestMethod]
    public void A_technique_that_the_release_lacks_leaves_the_model_and_says_both_versions()
    {
        using Workplace place = Workplace.With(SmallModels.WideMlp());

        OptimizationResult result = Workplace.Run(place.Request(request =>
        {
            request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.16.3" };
            request.Settings.Precision = Precision.Int4;
        }));

        Assert.IsTrue(result.Succeeded);
        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1006").Message, "needs ONNX Runtime 1.17, and the project references 1.16.3");
    }

    [TestMethod]
    public void A_model_of_a_newer_operator_set_is_lowered_to_what_the_release_reads()
    {
        AppRuntime runtime = OlderRuntimes.Require("1.16.3");
        Model model = SmallModels.Cnn();
        (model.Opset, model.IrVersion) = (22, 10);
        using Workplace place = Workplace.With(model);

        OptimizationResult result = Workplace.Run(place.Request(request =>
        {
            request.Runtime = runtime;
            request.Settings.Precision = Precision.Float32;
        }));

        StringAssert.Contains(result.Recipe.Single(step => step.Name == "fit to ONNX Runtime 1.16.3").Explanation, "operator set 19 instead of 22");
        Assert.AreEqual(19, Model.Load(place.OutputPath).Opset);
        AssertRuns(place, runtime);
    }

    [TestMethod]
    public void An_artifact_for_directml_declares_an_operator_set_that_it_computes()
    {
        Model model = SmallModels.Cnn();
        (model.Opset, model.IrVersion) = (22, 10);
        using Workplace place = Workplace.With(model);

        OptimizationResult result = Workplace.Run(place.Request(request => request.Target = TargetNames.DirectMl));

        StringAssert.Contains(result.Recipe.Single(step => step.Name == "operator set for directml").Explanation, "operator set 20 instead of 22");
        Assert.AreEqual(20, Model.Load(place.OutputPath).Opset);
    }

    [TestMethod]
    public void A_model_that_can_not_be_lowered_passes_through_byte_for_byte()
    {
        Model model = Model.Create("g", 23, 10);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        model.Graph.AddOutput(model.Graph.Add("RMSNormalization", x, model.Graph.AddInitializer("scale", Tensor.Vector(1f, 2f, 3f, 4f))));
        using Workplace place = Workplace.With(model);
        // The producer's name, behind all else: not the order in which models are written here.
        File.AppendAllBytes(place.ModelPath, [0x12, 1, (byte)'p']);

        OptimizationResult result = Workplace.Run(place.Request(request => request.Target = TargetNames.DirectMl));

        Assert.IsFalse(result.Recipe.Single(step => step.Name == "operator set for directml").Applied);
        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(place.OutputPath));
    }

    [TestMethod]
    public void A_model_in_which_nothing_else_can_be_improved_is_lowered_too()
    {
        AppRuntime runtime = OlderRuntimes.Require("1.16.3");
        Model model = SmallModels.Plain();
        (model.Opset, model.IrVersion) = (22, 10);
        using Workplace place = Workplace.With(model);

        Workplace.Run(place.Request(request => request.Runtime = runtime));

        AssertRuns(place, runtime);
    }

    [TestMethod]
    public void A_model_that_needs_a_newer_release_is_an_error_that_names_the_version_and_the_operator()
    {
        Model model = Model.Create("g", 20, 9);
        Value output = model.Graph.Add("Gelu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4)));
        model.Graph.AddOutput(output);
        using Workplace place = Workplace.With(model);

        Diagnostic fault = place.Fails("MBT4014", place.Request(request => request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime.Gpu", Version = "1.16.3" }));

        StringAssert.Contains(fault.Message, "Microsoft.ML.OnnxRuntime.Gpu 1.16.3");
        StringAssert.Contains(fault.Message, "Gelu");
    }

    [TestMethod]
    public void A_release_before_those_of_the_table_is_an_error_that_names_both_versions()
    {
        using Workplace place = Workplace.With(SmallModels.Mlp());

        Diagnostic fault = place.Fails("MBT4014", place.Request(request => request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.10.0" }));

        StringAssert.Contains(fault.Message, "ONNX Runtime 1.12 and later, and the project references 1.10.0");
    }

    [TestMethod]
    public void A_refusal_says_once_which_release_the_project_references()
    {
        Model model = Model.Create("g", 20, 9);
        model.Graph.AddOutput(model.Graph.Add("Gelu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4))));
        using Workplace place = Workplace.With(model);

        Diagnostic fault = place.Fails("MBT4014", place.Request(request => request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.16.3" }));

        Assert.HasCount(2, fault.Message.Split("project references"), fault.Message);
    }

    [TestMethod]
    public void What_no_table_knows_of_is_found_by_running_it_there()
    {
        // ONNX Runtime's own operator, which 1.14 does not have.
        AppRuntime runtime = OlderRuntimes.Require("1.14.0");
        Model model = Model.Create("g", 17, 8);
        model.OpsetImports["com.microsoft"] = 1;
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4, 8));
        Value scale = model.Graph.AddInitializer("scale", Tensor.Vector([.. Enumerable.Repeat(1f, 8)]));
        model.Graph.AddOutput(model.Graph.AddNode("SkipSimplifiedLayerNormalization", [x, x, scale], domain: "com.microsoft").Output);
        using Workplace place = Workplace.With(model);

        Diagnostic fault = place.Fails("MBT4014", place.Request(request => request.Runtime = runtime));

        StringAssert.Contains(fault.Message, "1.14.0");
        StringAssert.Contains(fault.Message, "SkipSimplifiedLayerNormalization");
    }

    [TestMethod]
    public void A_release_that_crashes_is_a_reason_and_no_crash()
    {
        // Integers divided by zero: the processor's exception, which ONNX Runtime does not catch.
        AppRuntime runtime = OlderRuntimes.Require("1.20.1");
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(model.Graph.Add("Div", model.Graph.AddInput("x", new TensorType(ElementType.Int32, 2)), model.Graph.AddInput("y", new TensorType(ElementType.Int32, 2))));
        using Workplace place = Workplace.With(model);

        TrialResult result = ReleaseTrial.Check(runtime, ReleaseTrial.Library(runtime)!, place.ModelPath, [Tensor.Vector(1, 2), Tensor.Vector(0, 0)], [], TestContext.CancellationToken);

        StringAssert.StartsWith(result.Refusal, "ONNX Runtime 1.20.1, which the project references, can't run it: its process ended with exit code 1");
        Assert.IsNull(result.Untried);
    }

    [TestMethod]
    public void A_model_that_the_release_refuses_is_a_reason_in_its_words()
    {
        AppRuntime runtime = OlderRuntimes.Require("1.20.1");
        Model model = Model.Create("g", 99, 8);
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1))));
        using Workplace place = Workplace.With(model);

        TrialResult result = ReleaseTrial.Check(runtime, ReleaseTrial.Library(runtime)!, place.ModelPath, [Tensor.Vector(1f)], [], TestContext.CancellationToken);

        StringAssert.Contains(result.Refusal, "pset 99");
        Assert.IsNull(result.Untried);
    }

    [TestMethod]
    public void A_release_that_does_not_end_in_time_says_nothing_of_the_model()
    {
        AppRuntime runtime = new() { Package = "Microsoft.ML.OnnxRuntime", Version = "1.20.1", Folder = AppContext.BaseDirectory };
        using Workplace place = Workplace.With(SmallModels.Mlp());

        TrialResult result = ReleaseTrial.Check(
            runtime, ReleaseTrial.Library(runtime)!, place.ModelPath, [Tensor.Create([1, 64], new float[64])], [], TimeSpan.FromMilliseconds(1), TestContext.CancellationToken);

        Assert.IsNull(result.Refusal);
        Assert.AreEqual("the process that runs it there did not end within 1ms", result.Untried);
    }

    [TestMethod]
    public void A_library_that_does_not_load_on_this_machine_is_told_and_the_artifact_is_made_again()
    {
        using Workplace place = Workplace.With(SmallModels.Mlp());
        AppRuntime runtime = new() { Package = "Microsoft.ML.OnnxRuntime", Version = "1.20.1", Folder = place["package"] };
        string library = Path.Combine(runtime.Folder, Path.GetRelativePath(AppContext.BaseDirectory, ReleaseTrial.Library(new AppRuntime { Package = "p", Version = "v", Folder = AppContext.BaseDirectory })!));
        Directory.CreateDirectory(Path.GetDirectoryName(library)!);
        File.WriteAllText(library, "no library");
        OptimizationRequest request = place.Request(request =>
        {
            request.Runtime = runtime;
            request.Settings.Quantization = Quantization.Dynamic;
        });

        OptimizationResult result = Workplace.Run(request);

        Assert.IsTrue(result.Succeeded);
        Assert.IsTrue(result.Recipe.Any(step => step.Applied), "It is no fault of the model's.");
        Diagnostic warning = result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1021");
        StringAssert.Contains(warning.Message, $"'{library}' is no ONNX Runtime that this machine can load");
        Assert.IsFalse(Workplace.Run(request).FromCache, "Another time it may be tried.");
    }

    [TestMethod]
    public void Another_release_is_another_artifact_to_the_cache()
    {
        using Workplace place = Workplace.With(SmallModels.Mlp());
        string Key(string? version) => RequestKey.OfArtifact(place.Request(request => request.Runtime = version is null ? null : new AppRuntime { Package = "p", Version = version, Folder = place.Folder }));

        Assert.AreNotEqual(Key("1.20.1"), Key("1.20.0"));
        Assert.AreNotEqual(Key("1.20.1"), Key(null));
    }

    public required TestContext TestContext { get; init; }

    private static void AssertRuns(Workplace place, AppRuntime runtime)
    {
        using ModelSession newest = ModelSession.Open(place.OutputPath);
        Tensor input = Tensor.Create([1, .. newest.Inputs[0].Shape.Skip(1).Select(dimension => dimension.Size!.Value)], Enumerable.Range(0, 64).Select(i => MathF.Sin(i)).ToArray());
        using ReleaseSession older = new(ReleaseTrial.Library(runtime)!, place.OutputPath);
        Assert.AreEqual(runtime.Version, older.Version);
        float[] expected = newest.Run([input])[0].ToSingles();
        float[] found = older.Run([input])[0].ToSingles();
        double scale = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 0.02 * scale);
        }
    }
}
