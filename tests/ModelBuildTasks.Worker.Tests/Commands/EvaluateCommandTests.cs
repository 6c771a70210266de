using System.Text;
using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class EvaluateCommandTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private readonly string artifact;

    public EvaluateCommandTests()
    {
        string calibration = place.WriteData("calibration", count: 100, seed: 1);
        artifact = place.OutputPath;
        Build(request => request.CalibrationData = calibration);
    }

    public required TestContext TestContext { get; init; }

    private string ResultPath => place["obj/model.cpu.result.json"];

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Data_like_that_of_the_calibration_passes_and_is_shown_beside_the_source_model()
    {
        string data = place.WriteData("new", count: 100, seed: 2);

        ModelBuildProcess run = await Run(artifact, "--data", data, "--max-drift", "0.25", "--min-accuracy", "0.5", "--max-accuracy-drop", "0.2");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.AreEqual("", run.Errors);
        foreach (string expected in (string[])["Top1 (100 samples)", "x, column", "100 samples of", "and 54 more that drifted less"])
        {
            StringAssert.Contains(run.Output, expected);
        }
    }

    [TestMethod]
    public async Task Data_that_has_drifted_is_a_warning()
    {
        ModelBuildProcess run = await Run(artifact, "--data", Drifted());

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Errors, $"{place["new"]}: warning MBT1020: ");
        StringAssert.Contains(run.Errors, "column ");
        StringAssert.Contains(run.Errors, "so have 63 more of the inputs' columns");
    }

    [TestMethod]
    public async Task Data_that_has_drifted_more_than_allowed_fails() =>
        (await Run(artifact, "--data", Drifted(), "--max-drift", "0.5")).AssertFailsWith("MBT4013", place["new"]);

    [TestMethod]
    public async Task The_result_of_the_build_names_the_artifact_and_a_compressed_one_is_restored()
    {
        string compressed = place["obj/model.onnx.br"];
        Build(request => (request.CalibrationData, request.Compress, request.OutputPath) = (place["calibration"], true, compressed));

        ModelBuildProcess run = await Run(ResultPath, "--data", Drifted());

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, compressed);
        StringAssert.Contains(run.Errors, "MBT1020");
    }

    [TestMethod]
    [DataRow("obj/model.ort", false)]
    [DataRow("obj/model.ort.br", true)]
    public async Task An_artifact_in_ORT_format_is_evaluated_as_any_other(string name, bool isCompressed)
    {
        Build(request => (request.CalibrationData, request.Settings.Format, request.Compress, request.OutputPath) = (place["calibration"], ArtifactFormat.Ort, isCompressed, place[name]));
        string data = place.WriteData("new", count: 100, seed: 2);

        ModelBuildProcess run = await Run(ResultPath, "--data", data, "--max-drift", "0.25", "--max-accuracy-drop", "0.2");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, place[name]);
        StringAssert.Contains(run.Output, "Top1 (100 samples)");
    }

    [TestMethod]
    public async Task Weights_outside_of_the_artifacts_folder_are_refused()
    {
        string path = place["obj/abcmodel.onnx"];
        SmallModels.Mlp().Save(path, WeightPlacement.External);
        File.Move($"{path}.data", place["model.onnx.data"]);
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(File.ReadAllBytes(path)).Replace("abcmodel.onnx.data", "../model.onnx.data", StringComparison.Ordinal)));

        (await Run(path, "--data", place["calibration"])).AssertFailsWith("MBT4003", path);
    }

    [TestMethod]
    public async Task An_artifact_that_is_undefined_where_its_original_is_not_cannot_stand_in_for_it()
    {
        // Adds 0·log(x + 1), which is NaN for x below −1: in a sample after those on which the artifact is tried first.
        Model broken = SmallModels.Mlp();
        EditingPass.ReplaceScores(broken, (graph, scores) => graph.Add("Add", scores, graph.Add("Mul",
            graph.Add("ReduceMin", graph.Add("Log", graph.Add("Add", graph.Inputs[0], graph.AddInitializer("one", Tensor.Scalar(1f))))), graph.AddInitializer("none", Tensor.Scalar(0f)))));
        broken.Save(place["broken.onnx"]);
        string data = place.WriteData("new", count: 40);
        NumpyWriter.Write(Path.Combine(data, "x.npy"), [40, 64], [.. Enumerable.Range(0, 40 * 64).Select(i => i / 64 == 30 ? -2f : 0.5f)]);

        ModelBuildProcess run = await Run(place["broken.onnx"], "--data", data, "--original", place.ModelPath);

        run.AssertFailsWith("MBT4004", place["broken.onnx"]);
        StringAssert.Contains(run.Errors, "infinite or undefined values, where the original's are finite, for 1 of 40 samples");
    }

    [TestMethod]
    public async Task Accuracy_below_what_is_asked_for_fails()
    {
        string data = place.WriteData("new", count: 100, seed: 2);
        NumpyWriter.Write(Path.Combine(data, "labels.npy"), [100], [.. Enumerable.Repeat(0L, 100)]);

        (await Run(artifact, "--data", data, "--min-accuracy", "0.9")).AssertFailsWith("MBT2001", artifact);
    }

    [TestMethod]
    public async Task A_drop_against_an_original_that_is_named_fails()
    {
        SmallModels.Mlp(seed: 9).Save(place["other.onnx"]);
        string data = place.WriteData("new", count: 200, seed: 2);

        ModelBuildProcess run = await Run(place["other.onnx"], "--data", data, "--original", place.ModelPath, "--max-accuracy-drop", "0.01", "--max-class-accuracy-drop", "0.01");

        run.AssertFailsWith("MBT2001", place["other.onnx"]);
        StringAssert.Contains(run.Errors, "error MBT2002");
        StringAssert.Contains(run.Output, "Class ");
    }

    [TestMethod]
    public async Task Labels_of_one_class_are_a_warning()
    {
        string data = place.WriteData("new", count: 100, seed: 2);
        NumpyWriter.Write(Path.Combine(data, "labels.npy"), [100], [.. Enumerable.Repeat(3L, 100)]);

        StringAssert.Contains((await Run(artifact, "--data", data)).AssertPlain().Errors, "MBT1019");
    }

    [TestMethod]
    public async Task Data_without_labels_is_compared_with_the_source_model()
    {
        ModelBuildProcess run = await Run(artifact, "--data", place.WriteData("new", count: 40, labelled: false));

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, "Cosine (40 samples)");
    }

    [TestMethod]
    public async Task Without_a_result_file_there_is_accuracy_and_no_drift()
    {
        File.Delete(ResultPath);
        string data = place.WriteData("new", count: 100, seed: 2);

        ModelBuildProcess run = await Run(artifact, "--data", data);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, "Top1: ");
        StringAssert.Contains(run.Output, "Drift was not measured: no result file");
        (await Run(artifact, "--data", data, "--max-drift", "1")).AssertFailsWith("MBT4015", data);
        (await Run(artifact, "--data", data, "--max-accuracy-drop", "0.1")).AssertFailsWith("MBT4015", artifact);
    }

    [TestMethod]
    public async Task Without_an_original_no_sentence_tells_of_one()
    {
        File.Delete(ResultPath);
        string data = place.WriteData("new", count: 100, seed: 2);
        NumpyWriter.Write(Path.Combine(data, "labels.npy"), [100], [.. Enumerable.Repeat(0L, 100)]);

        ModelBuildProcess run = await Run(artifact, "--data", data, "--min-accuracy", "0.9");

        run.AssertFailsWith("MBT2001", artifact);
        Assert.DoesNotContain("the original has", run.Errors);
    }

    [TestMethod]
    [DataRow("--min-accuracy")]
    [DataRow("--max-accuracy-drop")]
    [DataRow("--max-class-accuracy-drop")]
    public async Task Without_labels_no_limit_is_judged_by_another_metric_than_that_of_the_build(string limit)
    {
        Build(request => (request.CalibrationData, request.EvaluationData) = (place["calibration"], place["calibration"]));

        ModelBuildProcess run = await Run(artifact, "--data", place.WriteData("new", count: 40, labelled: false), limit, "0.1");

        run.AssertFailsWith("MBT4015", artifact);
        StringAssert.Contains(run.Errors, "has no labels, and the build measured Top1");
    }

    [TestMethod]
    public async Task Without_labels_a_limit_is_judged_by_the_metric_that_is_named()
    {
        ModelBuildProcess run = await Run(artifact, "--data", place.WriteData("new", count: 40, labelled: false), "--metric", "Cosine", "--min-accuracy", "0.9");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, "Cosine (40 samples)");
    }

    [TestMethod]
    [DataRow("Cosine")]
    [DataRow("Agreement")]
    [DataRow("SignalToNoise")]
    public async Task Without_the_original_likeness_to_it_is_not_measured(string metric)
    {
        File.Delete(ResultPath);
        string data = place.WriteData("new", count: 40);

        ModelBuildProcess run = await Run(artifact, "--data", data, "--metric", metric, "--min-accuracy", "0.9");

        run.AssertFailsWith("MBT4015", artifact);
        StringAssert.Contains(run.Errors, $"{metric} is likeness to the original model");
        (await Run(artifact, "--data", data, "--metric", metric)).AssertFailsWith("MBT4015", artifact);
    }

    [TestMethod]
    public async Task A_slice_that_loses_is_shown()
    {
        SmallModels.Mlp(seed: 9).Save(place["other.onnx"]);
        string data = place.WriteData("new", count: 200, seed: 2);
        NumpyWriter.Write(Path.Combine(data, "slices.npy"), [200], [.. Enumerable.Repeat(4L, 200)]);

        StringAssert.Contains((await Run(place["other.onnx"], "--data", data, "--original", place.ModelPath)).Output, "Slice '4' (200 samples)");
    }

    [TestMethod]
    public async Task A_result_of_another_artifact_is_not_believed()
    {
        SmallModels.Mlp(seed: 9).Save(artifact);

        ModelBuildProcess run = await Run(artifact, "--data", place.WriteData("new"));

        StringAssert.Contains(run.AssertPlain().Errors, "tells of another artifact");
        StringAssert.Contains(run.Output, "Drift was not measured");
    }

    [TestMethod]
    public async Task Too_few_samples_do_not_pass_a_limit()
    {
        ModelBuildProcess run = await Run(artifact, "--data", place.WriteData("new", count: 20), "--max-drift", "0.25");

        run.AssertFailsWith("MBT4015", place["new"]);
        StringAssert.Contains(run.Errors, "too few to tell drift from chance");
        Assert.DoesNotContain("preparation", run.Errors);
    }

    [TestMethod]
    public async Task As_json_there_is_nothing_else()
    {
        ModelBuildProcess run = await Run(artifact, "--data", Drifted(), "--json");

        JsonElement facts = JsonDocument.Parse(run.AssertPlain().Output).RootElement;
        Assert.AreEqual(100, facts.GetProperty("Samples").GetInt32());
        Assert.AreEqual("Top1", facts.GetProperty("Accuracy").GetProperty("Metric").GetString());
        Assert.AreEqual(64, facts.GetProperty("Drift").GetArrayLength());
        Assert.IsGreaterThan(1, facts.GetProperty("Drift")[0].GetProperty("StabilityIndex").GetDouble());
    }

    [TestMethod]
    [DataRow("nan")]
    [DataRow("-1")]
    [DataRow("much")]
    public async Task A_limit_that_is_no_number_is_refused(string limit) =>
        (await Run(artifact, "--data", place["calibration"], "--max-drift", limit)).AssertFailsWith("MBT0002", artifact);

    [TestMethod]
    public async Task What_cannot_be_read_is_an_error_of_its_own()
    {
        File.WriteAllText(place["data.csv"], "a\nb,c\n");
        (await Run(artifact, "--data", place["data.csv"])).AssertFailsWith("MBT4006", place["data.csv"]);
        (await Run(artifact, "--data", place["none"])).AssertFailsWith("MBT4006", place["none"]);
        (await Run(artifact, "--data", place["calibration"], "--original", place["none.onnx"])).AssertFailsWith("MBT0004", place["none.onnx"]);

        File.WriteAllText(ResultPath, "{ }");
        (await Run(ResultPath, "--data", place["calibration"])).AssertFailsWith("MBT4016", ResultPath);
        File.WriteAllText(artifact, "no model");
        (await Run(artifact, "--data", place["calibration"])).AssertFailsWith("MBT4001", artifact);
    }

    [TestMethod]
    public async Task A_result_that_does_not_fit_its_artifact_is_no_measure_of_drift()
    {
        OptimizationResult result = OptimizationResult.Read(ResultPath);
        result.CalibratedInputs[0].Channel = 4711;
        result.Write(ResultPath);

        StringAssert.Contains((await Run(artifact, "--data", place["calibration"])).AssertPlain().Output, "tells of other inputs");
    }

    /// <summary>Numbers of the same spread, all of them larger by its half.</summary>
    private string Drifted()
    {
        string data = place.WriteData("new", count: 100, seed: 2);
        Random random = new(2);
        NumpyWriter.Write(Path.Combine(data, "x.npy"), [100, 64], [.. Enumerable.Range(0, 6400).Select(_ => random.NextSingle() * 2)]);
        return data;
    }

    private void Build(Action<OptimizationRequest> change)
    {
        OptimizationResult result = Workplace.Run(place.Request(change));
        Assert.IsTrue(result.Succeeded);
        result.Write(ResultPath);
    }

    private Task<ModelBuildProcess> Run(params string[] arguments) => ModelBuildProcess.Run(TestContext.CancellationToken, ["evaluate", .. arguments]);
}
