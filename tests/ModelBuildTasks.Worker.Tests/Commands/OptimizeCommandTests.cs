using System.Diagnostics;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class OptimizeCommandTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Writes_the_artifact_and_succeeds()
    {
        ModelBuildProcess run = await Optimize("--quantization", "Dynamic");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.IsLessThan(new FileInfo(place.ModelPath).Length, new FileInfo(place.OutputPath).Length);
    }

    [TestMethod]
    public async Task Writes_beside_the_model_when_no_output_is_named()
    {
        await Run("optimize", place.ModelPath, "--measurement", "Skip", "--cache", place.Cache, "--target", "cpu-x64");

        Assert.IsTrue(File.Exists(place["model.cpu-x64.onnx"]));
    }

    [TestMethod]
    public async Task Tells_each_stage_on_a_line_of_its_own()
    {
        ModelBuildProcess run = await Optimize("--evaluation-data", place.WriteData("evaluation"));

        Assert.Contains("model: loading", run.Lines);
        Assert.Contains("model: measuring accuracy", run.Lines);
    }

    [TestMethod]
    public async Task Keeps_long_lines_whole()
    {
        string output = place[$"{new string('o', 150)}/artifact.onnx"];
        ModelBuildProcess run = await Run("optimize", place.ModelPath, "--output", output, "--measurement", "Skip", "--cache", place.Cache, "--precision", "Float16");

        Assert.Contains($"Written: {output}", run.AssertPlain().Lines);
    }

    [TestMethod]
    public async Task Puts_the_figures_side_by_side()
    {
        ModelBuildProcess run = await Optimize("--quantization", "Dynamic", "--evaluation-data", place.WriteData("evaluation"));

        StringAssert.Contains(run.Output, "Top1 (64 samples)");
        StringAssert.Contains(run.Output, "ratio 0.");
        StringAssert.Contains(run.Output, "Latency was not measured: ModelMeasurement is Skip.");
    }

    [TestMethod]
    public async Task Explains_the_decision_after_the_figures_when_asked()
    {
        ModelBuildProcess run = await Optimize("--quantization", "Dynamic", "--explain");

        string[] lines = [.. run.AssertPlain().Lines];
        int written = Array.FindIndex(lines, line => line.StartsWith("Written: ", StringComparison.Ordinal));
        Assert.IsGreaterThan(written, Array.IndexOf(lines, "Nothing was searched for: the settings name what to do."));
        Assert.IsGreaterThan(written, Array.FindIndex(lines, line => line.StartsWith("Against the original: ", StringComparison.Ordinal)));
    }

    [TestMethod]
    public async Task Explains_nothing_unasked() => Assert.DoesNotContain("Nothing was searched for", (await Optimize("--quantization", "Dynamic")).Output);

    [TestMethod]
    public async Task Writes_the_result_as_json()
    {
        await Optimize("--json", place["result.json"]);

        Assert.AreEqual(place.OutputPath, OptimizationResult.Read(place["result.json"]).ArtifactPath);
    }

    [TestMethod]
    public async Task A_disabled_rule_is_not_applied()
    {
        SmallModels.Cnn().Save(place.ModelPath);

        await Optimize("--precision", "Float32", "--disable-rule", "FoldBatchNormalization", "--disable-rule", "FoldShape");

        Assert.Contains("BatchNormalization", Model.Load(place.OutputPath).Graph.Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public async Task An_unknown_rule_is_a_coded_error() =>
        (await Optimize("--disable-rule", "FoldBatchNorm")).AssertFailsWith("MBT0001", place.ModelPath);

    [TestMethod]
    public async Task A_json_file_that_cannot_be_written_is_a_coded_error() =>
        (await Optimize("--json", Path.Combine(place.ModelPath, "result.json"))).AssertFailsWith("MBT3003", Path.Combine(place.ModelPath, "result.json"));

    [TestMethod]
    public async Task A_broken_budget_fails_the_command_and_names_the_model() =>
        (await Optimize("--max-size", "10B")).AssertFailsWith("MBT2004", place.ModelPath);

    [TestMethod]
    public async Task A_warning_does_not_fail_the_command()
    {
        ModelBuildProcess run = await Optimize();

        Assert.AreEqual(0, run.ExitCode);
        StringAssert.Contains(run.Errors, $"{place.ModelPath}: warning MBT1004: ");
    }

    [TestMethod]
    [DataRow("--precision", "Int9", "MBT0001")]
    [DataRow("--max-size", "big", "MBT0002")]
    [DataRow("--sparsity", "0.5", "MBT0003")]
    [DataRow("--quantization", "Static", "MBT0006")]
    [DataRow("--pruning", "Auto", "MBT0006")]
    public async Task A_bad_setting_is_a_coded_error(string option, string value, string code) => (await Optimize(option, value)).AssertFailsWith(code, place.ModelPath);

    [TestMethod]
    public async Task A_remote_cache_gives_others_the_artifact()
    {
        using CacheServer server = new();
        await Optimize("--precision", "Float32", "--remote-cache", server.Url);

        ModelBuildProcess other = await Run("optimize", place.ModelPath, "--output", place.OutputPath, "--cache", place["other"], "--measurement", "Skip", "--precision", "Float32", "--remote-cache", server.Url);

        Assert.AreEqual(0, other.AssertPlain().ExitCode, other.Errors);
        Assert.Contains($"From the cache: {place.OutputPath}", other.Lines);
    }

    [TestMethod]
    public async Task A_remote_cache_that_does_not_work_is_a_warning_without_its_password()
    {
        ModelBuildProcess run = await Optimize("--remote-cache", $"http://build:secret@127.0.0.1:{CacheServer.FreePort()}");

        Assert.AreEqual(0, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Errors, $"{place.ModelPath}: warning MBT1007: ");
        Assert.DoesNotContain("secret", run.Output + run.Errors);
    }

    [TestMethod]
    public async Task A_remote_cache_that_is_no_url_is_a_coded_error() => (await Optimize("--remote-cache", "cache.example.com")).AssertFailsWith("MBT0002", place.ModelPath);

    [TestMethod]
    [DataRow("--target", "tpu", "cpu-x64")]
    [DataRow("--measurement", "Sometimes", "Sometimes")]
    [DataRow("--no-such-option", "1", "--no-such-option")]
    public async Task A_bad_option_is_refused_by_name(string option, string value, string expected)
    {
        ModelBuildProcess run = await Optimize(option, value);

        Assert.AreNotEqual(0, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Errors, expected);
        Assert.IsFalse(File.Exists(place.OutputPath));
    }

    [TestMethod]
    public async Task A_missing_model_is_a_coded_error() => (await Run("optimize", place["nowhere.onnx"])).AssertFailsWith("MBT0004", place["nowhere.onnx"]);

    [TestMethod]
    public async Task A_file_that_is_no_model_is_a_coded_error()
    {
        File.WriteAllText(place.ModelPath, "Hello");

        (await Optimize()).AssertFailsWith("MBT4001", place.ModelPath);
    }

    [TestMethod]
    public async Task Refuses_to_write_over_the_model()
    {
        byte[] before = File.ReadAllBytes(place.ModelPath);

        (await Run("optimize", place.ModelPath, "--output", place["./obj/../model.onnx"])).AssertFailsWith("MBT0003", place.ModelPath);

        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
    }

    [TestMethod]
    public async Task An_output_that_is_a_folder_is_refused_before_any_work()
    {
        string folder = Directory.CreateDirectory(place["artifacts"]).FullName;

        ModelBuildProcess run = await Run("optimize", place.ModelPath, "--output", folder, "--cache", place.Cache);

        Assert.AreNotEqual(0, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Errors, $"'{folder}' is a folder; --output names the file to write");
        Assert.IsFalse(Directory.Exists(place.Cache));
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows, IgnoreMessage = "Windows has no SIGTERM.")]
    public async Task A_terminated_run_leaves_the_previous_output_and_nothing_else()
    {
        place.WritePreviousOutput();
        string data = place.WriteData("evaluation", count: 200_000);
        using Process process = ModelBuildProcess.Start("optimize", place.ModelPath, "--output", place.OutputPath, "--cache", place.Cache, "--quantization", "Dynamic", "--evaluation-data", data);
        while (await process.StandardOutput.ReadLineAsync(TestContext.CancellationToken) is { } line && !line.EndsWith("measuring accuracy", StringComparison.Ordinal))
        {
        }

        using (Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
        {
            await kill.WaitForExitAsync(TestContext.CancellationToken);
        }

        await process.WaitForExitAsync(TestContext.CancellationToken);
        Assert.AreNotEqual(0, process.ExitCode);
        place.AssertUntouched();
    }

    private Task<ModelBuildProcess> Optimize(params string[] options) =>
        Run(["optimize", place.ModelPath, "--output", place.OutputPath, "--cache", place.Cache, .. options.Contains("--measurement") ? Array.Empty<string>() : ["--measurement", "Skip"], .. options]);

    private Task<ModelBuildProcess> Run(params string[] arguments) => ModelBuildProcess.Run(TestContext.CancellationToken, arguments);
}
