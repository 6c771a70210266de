using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class InspectAndCompareTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public required TestContext TestContext { get; init; }

    private string Other => place["other.onnx"];

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Compare_tells_the_slowest_operators_of_both()
    {
        ModelBuildProcess run = await Run("compare", place.ModelPath, place.ModelPath);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.IsTrue(run.Lines.Any(line => line.StartsWith("Slowest operators before", StringComparison.Ordinal)));
        Assert.IsTrue(run.Lines.Any(line => line.StartsWith("Slowest operators after", StringComparison.Ordinal)));
    }

    [TestMethod]
    public async Task Inspect_shows_inputs_outputs_operators_and_weights()
    {
        ModelBuildProcess run = await Run("inspect", place.ModelPath);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        foreach (string expected in (string[])["x: Float[N, 64]", "scores: Float[N, 4]", "Gemm", "Relu", "ai.onnx 17", place.ModelPath])
        {
            StringAssert.Contains(run.Output, expected);
        }
    }

    [TestMethod]
    public async Task Inspect_shows_what_a_model_says_of_itself_on_one_line_each()
    {
        Model model = Model.Load(place.ModelPath);
        (model.Metadata["author"], model.Metadata["names"], model.Metadata["modelbuild.plan"]) = ("me", new string('n', 1000), "one\n\u001b]0;title\u0007step");
        model.Save(place.ModelPath);

        ModelBuildProcess shown = await Run("inspect", place.ModelPath);
        ModelBuildProcess whole = await Run("inspect", place.ModelPath, "--json");

        Assert.AreEqual(0, shown.AssertPlain().ExitCode, shown.Errors);
        foreach (string expected in (string[])["author: me", "nnn…", "modelbuild.plan: one  ]0;title step"])
        {
            StringAssert.Contains(shown.Output, expected);
        }

        using JsonDocument facts = JsonDocument.Parse(whole.Output);
        Assert.AreEqual(1000, facts.RootElement.GetProperty("Metadata").GetProperty("names").GetString()!.Length);
    }

    [TestMethod]
    public async Task Inspect_reads_an_artifact_that_is_compressed()
    {
        string artifact = place["obj/model.onnx.br"];
        Workplace.Run(place.Request(request => (request.Compress, request.OutputPath) = (true, artifact)));

        ModelBuildProcess run = await Run("inspect", artifact);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, "x: Float[N, 64]");
        StringAssert.Contains(run.Output, artifact);
    }

    [TestMethod]
    public async Task Inspect_refuses_a_compressed_artifact_that_is_damaged()
    {
        File.WriteAllBytes(place["model.onnx.br"], [.. Enumerable.Repeat((byte)0xff, 100)]);

        (await Run("inspect", place["model.onnx.br"])).AssertFailsWith("MBT4002", place["model.onnx.br"]);
    }

    [TestMethod]
    public async Task Inspect_refuses_what_is_no_model()
    {
        File.WriteAllText(place.ModelPath, "Hello");

        (await Run("inspect", place.ModelPath)).AssertFailsWith("MBT4001", place.ModelPath);
    }

    [TestMethod]
    public async Task Inspect_shows_the_plan_that_a_build_left_beside_its_artifact()
    {
        ModelBuildProcess run = await Run("inspect", Quantize(out _));

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        foreach (string expected in (string[])["Quantization, from ", "Output scores:", "2 of 3 layers compute in integers", "integers would make it slower", "MinMax"])
        {
            StringAssert.Contains(run.Output, expected);
        }
    }

    [TestMethod]
    public async Task Inspect_takes_the_result_file_for_its_artifact()
    {
        Quantize(out string result);

        ModelBuildProcess run = await Run("inspect", result, "--json");

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        using JsonDocument facts = JsonDocument.Parse(run.Output);
        JsonElement plan = facts.RootElement.GetProperty("Quantization");
        Assert.AreEqual(3, plan.GetProperty("Layers").GetArrayLength());
        Assert.IsGreaterThan(20, plan.GetProperty("Tensors")[0].GetProperty("SignalToNoise").GetDouble());
        Assert.AreEqual(result, facts.RootElement.GetProperty("Result").GetString());
    }

    [TestMethod]
    public async Task Inspect_reads_the_graph_where_the_result_beside_is_of_another_artifact()
    {
        string artifact = Quantize(out _);
        Model model = Model.Load(artifact);
        model.ProducerName = "other";
        model.Save(artifact);

        ModelBuildProcess run = await Run("inspect", artifact);

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        StringAssert.Contains(run.Errors, "tells of another artifact");
        StringAssert.Contains(run.Output, "as far as the graph tells it");
        StringAssert.Contains(run.Output, "2 of 3 layers compute in integers");
    }

    [TestMethod]
    public async Task A_plan_that_did_not_ship_is_shown_as_such_with_its_reasons()
    {
        SmallModels.Cnn().Save(place.ModelPath);
        string result = place["result.json"];

        ModelBuildProcess optimize = await Run("optimize", place.ModelPath, "--output", place.OutputPath, "--measurement", "Skip", "--cache", place.Cache, "--evaluation-data", place.WriteData("evaluation"), "--json", result);
        ModelBuildProcess inspect = await Run("inspect", result);

        StringAssert.Contains(optimize.AssertPlain().Output, "Tried and not shipped: 0 of 3 layers in integers");
        StringAssert.Contains(inspect.AssertPlain().Output, "Quantization that was tried and not shipped");
        foreach (ModelBuildProcess run in new[] { optimize, inspect })
        {
            StringAssert.Contains(run.Output, "integers would make it slower");
        }
    }

    [TestMethod]
    public async Task Inspect_refuses_a_file_that_is_no_result()
    {
        File.WriteAllText(place["other.json"], "{ }");

        (await Run("inspect", place["other.json"])).AssertFailsWith("MBT4016", place["other.json"]);
    }

    [TestMethod]
    public async Task What_is_wrong_with_a_result_file_is_said_in_the_words_of_its_reader()
    {
        File.WriteAllText(place["other.json"], "{ }");

        StringAssert.Contains((await Run("inspect", place["other.json"])).Errors, "'other.json' is no result file that this version reads: it has version 0, expected 1. ");
    }

    [TestMethod]
    public async Task What_is_wrong_with_the_result_beside_an_artifact_is_said_in_the_words_of_its_reader()
    {
        SmallModels.Cnn().Save(place["m.onnx"]);
        File.WriteAllText(place["m.result.json"], "{ }");

        ModelBuildProcess run = await Run("inspect", place["m.onnx"]);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Errors, $"'{place["m.result.json"]}' cannot be read, so the plan is read from the graph instead: it has version 0, expected 1");
    }

    [TestMethod]
    public async Task Compare_shows_size_accuracy_and_latency()
    {
        Save(model => EditingPass.Ruinous("ruin").Apply(model, new PassContext(TargetProfiles.Cpu)));

        ModelBuildProcess run = await Run("compare", place.ModelPath, Other, "--data", place.WriteData("evaluation"));

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        foreach (string expected in (string[])["Size", "Top1 (64 samples)", "Latency (1 thread)", "drop 0."])
        {
            StringAssert.Contains(run.Output, expected);
        }
    }

    [TestMethod]
    public async Task Compare_refuses_models_with_other_outputs()
    {
        Save(model => model.Graph.Outputs[0].Name = "renamed");

        (await Run("compare", place.ModelPath, Other)).AssertFailsWith("MBT4004", Other);
    }

    [TestMethod]
    public async Task Compare_blames_the_file_that_is_damaged()
    {
        File.WriteAllBytes(Other, File.ReadAllBytes(place.ModelPath)[..2000]);

        (await Run("compare", place.ModelPath, Other)).AssertFailsWith("MBT4002", Other);
    }

    [TestMethod]
    public async Task Compare_names_the_file_that_is_missing() => (await Run("compare", place.ModelPath, Other)).AssertFailsWith("MBT0004", Other);

    [TestMethod]
    public async Task Compare_says_when_a_metric_needs_labels()
    {
        Save(_ => { });
        string data = place.WriteData("data", labelled: false);

        (await Run("compare", place.ModelPath, Other, "--data", data, "--metric", "Top1")).AssertFailsWith("MBT4008", data);
    }

    [TestMethod]
    public async Task Compare_says_that_a_model_without_numbers_cannot_be_compared_with()
    {
        string data = place.WriteData("data");
        Model model = Model.Load(place.ModelPath);
        EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Log", graph.Add("Neg", graph.Add("Exp", scores))));
        model.Save(place.ModelPath);
        Save(_ => { });

        (await Run("compare", place.ModelPath, Other, "--data", data)).AssertFailsWith("MBT4011", place.ModelPath);
    }

    [TestMethod]
    public async Task Compare_refuses_a_model_that_becomes_undefined_for_one_sample()
    {
        const int samples = 16, late = 12;
        NumpyWriter.Write(place["data/x.npy"], [samples, 64], [.. Enumerable.Range(0, samples * 64).Select(i => i / 64 == late ? -1f : 1)]);
        Save(model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Add", scores,
            graph.Add("Log", graph.AddNode("ReduceMax", [graph.Inputs[0]]).Set("axes", [1L]).Output))));

        ModelBuildProcess run = await Run("compare", place.ModelPath, Other, "--data", place["data"]);

        run.AssertFailsWith("MBT4004", Other);
        StringAssert.Contains(run.Errors, $"for 1 of {samples} samples");
    }

    [TestMethod]
    [DataRow("optimize", "--max-latency-ratio")]
    [DataRow("optimize", "--calibration-data")]
    [DataRow("inspect", "<model>")]
    [DataRow("compare", "--data")]
    public async Task Help_lists_the_options(string command, string option)
    {
        ModelBuildProcess run = await Run(command, "--help");

        Assert.AreEqual(0, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Output, option);
    }

    [TestMethod]
    public async Task Help_lists_the_commands()
    {
        ModelBuildProcess run = await Run("--help");

        foreach (string command in (string[])["optimize", "inspect", "compare"])
        {
            StringAssert.Contains(run.Output, command);
        }
    }

    /// <summary>What a build writes: an artifact, and its result beside it.</summary>
    private string Quantize(out string resultPath)
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        OptimizationRequest request = place.Request(request =>
        {
            request.CalibrationData = place.WriteData("calibration");
            request.Settings = new ModelSettings { Precision = Precision.Int8, Calibration = Calibration.MinMax };
        });
        OptimizationResult result = Workplace.Run(request);
        resultPath = place["obj/model.cpu.result.json"];
        result.Write(resultPath);
        return request.OutputPath;
    }

    private void Save(Action<Model> edit)
    {
        Model model = Model.Load(place.ModelPath);
        edit(model);
        model.Save(Other);
    }

    private Task<ModelBuildProcess> Run(params string[] arguments) => ModelBuildProcess.Run(TestContext.CancellationToken, arguments);
}
