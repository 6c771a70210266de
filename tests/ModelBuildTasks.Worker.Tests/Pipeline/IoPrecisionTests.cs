using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Artifacts that take and give float16, as <c>IoPrecision="Float16"</c> asks.</summary>
[TestClass]
public sealed class IoPrecisionTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    [DataRow(TargetNames.Cuda, Precision.Float16)]
    [DataRow(TargetNames.Cpu, Precision.Int8)]
    [DataRow(TargetNames.Cpu, Precision.Float32)]
    [DataRow(TargetNames.TensorRt, Precision.Int8)]
    public void The_artifact_takes_and_gives_float16_whatever_it_computes_in(string target, Precision precision)
    {
        OptimizationResult result = Workplace.Run(Half(target, precision));

        Assert.IsTrue(result.Succeeded, string.Join('\n', result.Diagnostics.Select(diagnostic => diagnostic.Message)));
        using ModelSession session = ModelSession.Open(place.OutputPath);
        Assert.IsTrue(session.Inputs.Concat(session.Outputs).All(value => value.ElementType == ElementType.Float16));
        Assert.IsNotNull(result.AccuracyDrop);
    }

    [TestMethod]
    public void What_computes_in_float16_has_no_cast()
    {
        Workplace.Run(Half(TargetNames.Cuda, Precision.Float16));

        Assert.IsFalse(Model.Load(place.OutputPath).Graph.Nodes.Any(node => node.OpType == "Cast"));
    }

    [TestMethod]
    public void Its_metadata_tell_so_for_TensorRT_is_asked_for_each_type()
    {
        Workplace.Run(Half(TargetNames.TensorRt, Precision.Int8));

        CollectionAssert.IsSubsetOf(new[] { "Float16", "Int8" }, Model.Load(place.OutputPath).Metadata["modelbuild.types"].Split("; "));
    }

    [TestMethod]
    public void Accuracy_is_that_of_inputs_as_float16_holds_them()
    {
        // Numbers that float32 tells apart and float16 does not decide the class.
        Workplace close = Workplace.With(Difference());
        using (close)
        {
            close.WriteData("evaluation");
            OptimizationRequest request = close.Request(request => (request.Settings.Precision, request.EvaluationData) = (Precision.Float32, close["evaluation"]));
            Assert.AreEqual(0, Workplace.Run(request).AccuracyDrop!.Value);

            request.Settings.IoPrecision = IoPrecision.Float16;

            Assert.IsGreaterThan(0.1, Workplace.Run(request).AccuracyDrop!.Value);
        }
    }

    [TestMethod]
    public void An_artifact_in_ORT_format_takes_it_too()
    {
        OptimizationRequest request = Half(TargetNames.Cpu, Precision.Float32);
        (request.Settings.Format, request.OutputPath) = (ArtifactFormat.Ort, place["obj/model.ort"]);

        Assert.IsTrue(Workplace.Run(request).Succeeded);

        using ModelSession session = ModelSession.Open(request.OutputPath);
        Assert.AreEqual(ElementType.Float16, session.Inputs[0].ElementType);
    }

    [TestMethod]
    public async Task It_is_measured_and_compared_beside_the_float32_model_on_the_same_samples()
    {
        Workplace.Run(Half(TargetNames.Cpu, Precision.Float32));

        ModelBuildProcess measured = await ModelBuildProcess.Run(TestContext.CancellationToken,
            "measure", place.OutputPath, "--baseline", place.ModelPath, "--data", place["evaluation"], "--output", place["measured.json"], "--batch", "1", "--seconds", "0.2");
        ModelBuildProcess compared = await ModelBuildProcess.Run(TestContext.CancellationToken, "compare", place.ModelPath, place.OutputPath, "--data", place["evaluation"]);

        Assert.AreEqual(0, measured.ExitCode, measured.Errors);
        Assert.IsNotNull(DeviceMeasurement.Read(place["measured.json"]).Ratio);
        Assert.AreEqual(0, compared.ExitCode, compared.Errors);
    }

    private OptimizationRequest Half(string target, Precision precision) => place.Request(request =>
    {
        (request.Target, request.Settings.Precision, request.Settings.IoPrecision) = (target, precision, IoPrecision.Float16);
        request.CalibrationData = place.WriteData("calibration", labelled: false);
        request.EvaluationData = place.WriteData("evaluation");
    });

    /// <summary>x: Float[N, 64] → the remainder of 4096·x by 1 and what is left to 1, of the first two → scores: Float[N, 2].</summary>
    private static Model Difference()
    {
        Model model = SmallModels.Plain();
        Graph graph = model.Graph;
        Value input = graph.Inputs[0];
        graph.RemoveOutput(graph.Outputs[0]);
        Value scaled = graph.Add("Mul", input, graph.AddInitializer("scale", Tensor.Scalar(4096f)));
        Value rest = graph.Add("Sub", scaled, graph.Add("Floor", scaled));
        Value first = graph.AddNode("Gather", [rest, graph.AddInitializer("first", Tensor.Vector(0L))]).Set("axis", 1L).Output;
        Value other = graph.Add("Sub", graph.AddInitializer("one", Tensor.Scalar(1f)), first);
        Value scores = graph.AddNode("Concat", [first, other]).Set("axis", 1L).Output;
        scores.Type = new TensorType(ElementType.Float, new Dimension(null, "N"), new Dimension(2, null));
        graph.AddOutput(scores);
        graph.RemoveUnused();
        return model;
    }
}
