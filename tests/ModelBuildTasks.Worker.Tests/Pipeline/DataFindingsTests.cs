using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class DataFindingsTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void Data_that_is_kept_apart_has_no_finding()
    {
        string evaluation = place.WriteData("evaluation");
        WriteLabels(evaluation, i => i % 4);

        Assert.IsEmpty(Codes(Workplace.Run(Request(place.WriteData("calibration", seed: 3), evaluation))));
    }

    [TestMethod]
    public void The_same_data_for_both_is_said_once_and_again_from_the_cache()
    {
        string data = place.WriteData("data");
        OptimizationResult first = Workplace.Run(Request(data, data));
        OptimizationResult second = Workplace.Run(Request(data, data));

        foreach (OptimizationResult result in (OptimizationResult[])[first, second])
        {
            StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1018").Message, "EvaluationData holds the very samples that CalibrationData holds");
        }

        Assert.IsTrue(second.FromCache);
    }

    [TestMethod]
    public void Splits_that_overlap_are_found_with_examples()
    {
        string data = place.WriteData("data", count: 100);
        File.WriteAllText(place["calibration.json"], $$"""{ "data": "{{data}}", "split": { "from": 0, "to": 0.5 } }""");
        File.WriteAllText(place["evaluation.json"], $$"""{ "data": "{{data}}", "split": { "from": 0.4, "to": 1 } }""");

        string message = Workplace.Run(Request(place["calibration.json"], place["evaluation.json"])).Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1018").Message;

        StringAssert.Contains(message, "10 of 60 samples of EvaluationData are in CalibrationData, too, such as 'sample ");
    }

    [TestMethod]
    public void Data_that_no_recipe_reads_is_looked_at_too()
    {
        string data = place.WriteData("data");
        WriteLabels(data, i => i % 4);
        OptimizationRequest request = Request(data, data);
        request.Settings.Precision = Precision.Float32;

        OptimizationResult result = Workplace.Run(request);

        Assert.HasCount(1, Codes(result));
        Assert.AreEqual(64, result.CalibratedInputs.Single().Samples);
    }

    [TestMethod]
    public void Labels_of_one_class_are_a_finding()
    {
        string data = place.WriteData("evaluation");
        WriteLabels(data, _ => 1);

        Diagnostic finding = Workplace.Run(Request(place.WriteData("calibration", seed: 3), data)).Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1019");

        StringAssert.Contains(finding.Message, "'model' for cpu: in the evaluation data all 64 samples have the label 1");
    }

    [TestMethod]
    public void The_result_tells_how_the_calibration_data_is_distributed()
    {
        OptimizationResult result = Workplace.Run(Request(place.WriteData("calibration", count: 200, seed: 3), place.WriteData("evaluation")));

        CalibratedInput input = result.CalibratedInputs.Single();
        // Uniform from −1 to 1.
        Assert.AreEqual(("x", null, 200), (input.Input, input.Channel, input.Samples));
        Assert.AreEqual(0, input.Mean, 0.02);
        Assert.AreEqual(Math.Sqrt(1 / 3.0), input.Deviation, 0.01);
        Assert.AreEqual(-0.8, input.Edges[1], 0.03);
        Assert.AreEqual(0.1, input.Shares[1], 0.01);
    }

    [TestMethod]
    public void What_another_machine_says_of_the_data_is_replaced()
    {
        Outcome claimed = new()
        {
            ArtifactSha256 = "", OriginalBytes = 1, ArtifactBytes = 1, Steps = [],
            Notes = [Note.Of(DiagnosticCatalogue.SharedSamples, "all is lost"), Note.Of(DiagnosticCatalogue.PassedThrough, "no step changes it")],
            CalibratedInputs = [new InputDistribution { Input = "y", Channel = 7, Samples = 1, Mean = 0, Deviation = 0, Lowest = 0, Highest = 0, Edges = [], Shares = [1] }],
        };
        using ModelSession model = ModelSession.Open(place.ModelPath);
        DataSurvey calibration = new(Dataset.Open(place.WriteData("calibration", seed: 3), model.Inputs), model.Inputs);

        Outcome outcome = DataFindings.Add(claimed, calibration, null, null, model, CancellationToken.None);

        Assert.AreEqual("MBT1001", outcome.Notes.Single().Code);
        Assert.AreEqual("x", outcome.CalibratedInputs.Single().Input);
    }

    [TestMethod]
    public void Without_calibration_data_there_is_no_distribution() =>
        Assert.IsEmpty(Workplace.Run(place.Request(request => request.EvaluationData = place.WriteData("evaluation"))).CalibratedInputs);

    private OptimizationRequest Request(string calibration, string evaluation) => place.Request(request =>
    {
        request.Settings.Precision = Precision.Int8;
        request.CalibrationData = calibration;
        request.EvaluationData = evaluation;
    });

    private static void WriteLabels(string data, Func<int, long> label) => NumpyWriter.Write(Path.Combine(data, "labels.npy"), [64], [.. Enumerable.Range(0, 64).Select(label)]);

    private static string[] Codes(OptimizationResult result) => [.. result.Diagnostics.Select(diagnostic => diagnostic.Code).Where(code => code is "MBT1018" or "MBT1019")];
}
