using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Without evaluation data one warning says what the artifact was judged by instead, and what to add.</summary>
[TestClass]
public sealed class UnmeasuredAccuracyTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void It_is_said_that_nothing_was_changed_that_could_lose_accuracy() =>
        StringAssert.Contains(Warning(Precision.Float32).Message, "nothing was changed that could lose any");

    [TestMethod]
    public void Likeness_on_a_drawn_input_is_told()
    {
        OptimizationRequest request = Request(Precision.Int4);

        string message = Warning(request).Message;

        StringAssert.Contains(message, "the artifact's outputs have a cosine similarity of 0.9");
        StringAssert.Contains(message, "on one input that was drawn");
        StringAssert.Contains(Warning(request).Message, message, "The cache has it, too.");
    }

    [TestMethod]
    public void Likeness_on_the_calibration_samples_is_told() => StringAssert.Contains(
        Warning(Request(Precision.Int8, request => request.CalibrationData = place.WriteData("calibration", labelled: false))).Message,
        "with the original's on 64 samples of CalibrationData");

    [TestMethod]
    public void What_Auto_chose_without_data_tells_its_likeness_too() => StringAssert.Contains(
        Warning(Request(Precision.Auto, request => request.Settings.Objective = Objective.Size)).Message, "with the original's on one input that was drawn");

    [TestMethod]
    public void It_is_said_that_what_runs_on_nothing_drawn_was_not_compared()
    {
        using Workplace hungry = Workplace.With(WithTooLargeAnInput());

        StringAssert.Contains(Warning(hungry.Request(request => request.Settings.Precision = Precision.Int4)).Message, "could not be compared with the original's on a drawn input either");
    }

    /// <summary>Its weights come to 4 bits, and its second input is too large to be drawn.</summary>
    private static Model WithTooLargeAnInput()
    {
        Model model = SmallModels.WideMlp();
        Value large = model.Graph.AddInput("large", new TensorType(ElementType.Float, 1, 1L << 30));
        Value shape = model.Graph.Add("Shape", large);
        shape.Type = new TensorType(ElementType.Int64, 2);
        model.Graph.AddOutput(shape);
        return model;
    }

    private OptimizationRequest Request(Precision precision, Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        request.Settings.Precision = precision;
        change?.Invoke(request);
    });

    private Diagnostic Warning(Precision precision) => Warning(Request(precision));

    private static Diagnostic Warning(OptimizationRequest request) =>
        Workplace.Run(request).Diagnostics.Single(diagnostic => diagnostic.Code == DiagnosticCatalogue.AccuracyNotMeasured.Code);
}
