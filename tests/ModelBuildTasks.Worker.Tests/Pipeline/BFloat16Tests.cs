using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Models in bfloat16, for which ONNX Runtime has neither convolutions nor products on a processor.</summary>
[TestClass]
public sealed class BFloat16Tests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void ONNX_Runtime_refuses_what_these_tests_are_about()
    {
        Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open(SmallModels.InBFloat16(SmallModels.WideMlp())));
        Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open(NarrowInside()));
    }

    [TestMethod]
    public void It_comes_to_integers()
    {
        AssertRuns(Workplace.Run(Narrowed(request => request.Settings.Precision = Precision.Int8)));

        Assert.IsTrue(Weights().Any(weight => weight.ElementType is ElementType.Int8 or ElementType.UInt8));
    }

    [TestMethod]
    public void Convolutions_are_lifted()
    {
        Model model = SmallModels.InBFloat16(SmallModels.Cnn());
        Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open(model));
        model.Save(place.ModelPath);

        OptimizationResult result = Workplace.Run(place.Request());

        Assert.IsTrue(result.Succeeded, string.Join('\n', result.Diagnostics.Select(diagnostic => diagnostic.Message)));
        ModelSession.Open(place.OutputPath).Dispose();
    }

    [TestMethod]
    [DataRow(TargetNames.Cpu)]
    [DataRow(TargetNames.Cuda)]
    public void Float32_has_the_numbers_of_the_source(string target)
    {
        AssertRuns(Workplace.Run(Narrowed(request => (request.Settings.Precision, request.Target) = (Precision.Float32, target))));

        Assert.IsTrue(Weights().All(weight => weight.ElementType != ElementType.Float16));
        Model rounded = SmallModels.WideMlp();
        foreach (Value value in rounded.Graph.Initializers)
        {
            value.Initializer = Tensor.Create([.. value.Initializer!.Dimensions], Round(value.Initializer).ToSingles());
        }

        using ModelSession expected = ModelSession.Open(rounded);
        using ModelSession found = ModelSession.Open(place.OutputPath);
        Tensor sample = Sample();
        Assert.IsGreaterThan(0.999, Evaluation.Metrics.Likeness.Of(found.Run([Round(sample)])[0], expected.Run([Tensor.Create([1, 64], Round(sample).ToSingles())])[0]));
    }

    [TestMethod]
    public void Auto_stores_in_float16_what_it_leaves_in_float()
    {
        OptimizationResult result = Workplace.Run(Narrowed(request => request.CalibrationData = null));

        AssertRuns(result);
        Assert.IsFalse(result.Diagnostics.Any(diagnostic => diagnostic.Code == "MBT1009"), "Two bytes a weight are not more than the source has.");
        CollectionAssert.IsSubsetOf(new[] { "float32 conversion", "float16 storage" }, result.Recipe.Where(step => step.Applied).Select(step => step.Name).ToArray());
    }

    [TestMethod]
    public void Why_integers_were_given_up_is_said_of_them_and_not_of_storage()
    {
        SmallModels.Cnn().Save(place.ModelPath);
        string evaluation = place.WriteData("evaluation");
        SmallModels.InBFloat16(SmallModels.Cnn()).Save(place.ModelPath);

        string refusal = Workplace.Run(place.Request(request => request.EvaluationData = evaluation)).Search!.Trials.Single(trial => trial.Name == "dynamic int8").Refusal!;

        Assert.DoesNotContain("stored as float16", refusal);
    }

    [TestMethod]
    public void The_report_says_that_it_was_lifted_and_why()
    {
        RecipeStep lifting = Workplace.Run(Narrowed()).Recipe[0];

        Assert.AreEqual("float32 conversion", lifting.Name);
        Assert.Contains("bfloat16", lifting.Explanation);
    }

    [TestMethod]
    public void What_passes_through_is_lifted_too()
    {
        // A sequence, which lets nothing else be done.
        Model model = SmallModels.InBFloat16(SmallModels.WideMlp());
        model.Graph.AddOutput(model.Graph.Add("SequenceConstruct", model.Graph.Outputs[0]));
        model.Save(place.ModelPath);

        OptimizationResult result = Workplace.Run(place.Request());

        AssertRuns(result);
        Assert.Contains("lifted to float32", result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1001").Message);
    }

    [TestMethod]
    [DataRow(Precision.Auto)]
    [DataRow(Precision.Float32)]
    public void What_is_locked_is_made_again(Precision precision)
    {
        OptimizationRequest request = Narrowed(request => request.Settings.Precision = precision);
        OptimizationResult free = Workplace.Run(request);
        (request.Locked, request.CacheDirectory) = (LockedChoice.Of(LockEntry.Of(request, free), request), place["cold"]);
        Assert.IsNotNull(request.Locked);

        OptimizationResult locked = Workplace.Run(request);

        Assert.IsFalse(locked.FromCache);
        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
    }

    [TestMethod]
    public void Its_inputs_and_outputs_stay_bfloat16()
    {
        AssertRuns(Workplace.Run(Narrowed()));

        using ModelSession session = ModelSession.Open(place.OutputPath);
        Assert.AreEqual(ElementType.BFloat16, session.Inputs[0].ElementType);
        Assert.AreEqual(ElementType.BFloat16, session.Outputs[0].ElementType);
    }

    [TestMethod]
    public void Samples_are_rounded_to_its_inputs()
    {
        OptimizationResult result = Workplace.Run(Narrowed(request => request.Settings.Precision = Precision.Float32));

        Assert.AreEqual(0, result.AccuracyDrop!.Value);
    }

    [TestMethod]
    public void Casts_to_it_inside_a_float32_model_are_lifted()
    {
        place.WriteData("evaluation");
        NarrowInside().Save(place.ModelPath);

        AssertRuns(Workplace.Run(place.Request(request => request.EvaluationData = place["evaluation"])));

        using ModelSession session = ModelSession.Open(place.OutputPath);
        Assert.AreEqual(ElementType.Float, session.Inputs[0].ElementType);
    }

    [TestMethod]
    public void Inputs_of_an_operator_set_that_cannot_cast_them_are_refused_by_name()
    {
        Model model = SmallModels.InBFloat16(SmallModels.WideMlp());
        (model.Opset, model.IrVersion) = (12, 7);
        model.Save(place.ModelPath);

        Assert.Contains("bfloat16", place.Fails("MBT4004", place.Request()).Message);
    }

    [TestMethod]
    public void Inspecting_tells_the_types_of_the_file()
    {
        SmallModels.InBFloat16(SmallModels.WideMlp()).Save(place.ModelPath);
        using SourceModel source = SourceModel.Load(place.ModelPath);

        ModelFacts facts = ModelFacts.Of(source, null, null, null);

        CollectionAssert.AreEqual(new[] { "BFloat16" }, facts.Weights.Keys.ToArray());
    }

    [TestMethod]
    public void Its_memory_is_that_of_the_lifted_model()
    {
        OptimizationResult result = Workplace.Run(Narrowed(request => (request.Measurement, request.Budgets.MaxMemoryBytes) = (Measurement.Auto, 1L << 30)));

        AssertRuns(result);
        Assert.IsNotNull(result.Original!.PeakMemoryBytes);
    }

    /// <summary>The CNN in bfloat16, with samples of the float32 one.</summary>
    private OptimizationRequest Narrowed(Action<OptimizationRequest>? change = null)
    {
        (string calibration, string evaluation) = (place.WriteData("calibration", seed: 3), place.WriteData("evaluation"));
        SmallModels.InBFloat16(SmallModels.WideMlp()).Save(place.ModelPath);
        return place.Request(request =>
        {
            (request.CalibrationData, request.EvaluationData) = (calibration, evaluation);
            change?.Invoke(request);
        });
    }

    private void AssertRuns(OptimizationResult result)
    {
        Assert.IsTrue(result.Succeeded, string.Join('\n', result.Diagnostics.Select(diagnostic => diagnostic.Message)));
        using ModelSession session = ModelSession.Open(place.OutputPath);
        using SessionRun run = session.RunBorrowed([session.Inputs[0].ElementType == ElementType.BFloat16 ? Round(Sample()) : Sample()]);
    }

    private Tensor[] Weights() => [.. Model.Load(place.OutputPath).Graph.Initializers.Select(value => value.Initializer!)];

    private static Tensor Sample() => Tensor.Create([1, 64], Enumerable.Range(0, 64).Select(i => MathF.Sin(i)).ToArray());

    private static Tensor Round(Tensor tensor) => Tensor.CreateBFloat16([.. tensor.Dimensions], tensor.ToSingles());

    /// <summary>float32 inputs, outputs and weights, each with a Cast, as automatic mixed precision exports it.</summary>
    private static Model NarrowInside()
    {
        Model model = SmallModels.WideMlp();
        (model.Opset, model.IrVersion) = (SmallModels.BFloat16Opset, 10);
        foreach (Value value in model.Graph.Inputs.Concat(model.Graph.Initializers).ToArray())
        {
            value.InsertAfter("Cast").Set("to", (long)ElementType.BFloat16);
        }

        model.Graph.Outputs[0].InsertAfter("Cast").Set("to", (long)ElementType.Float);
        return model;
    }
}
