using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class BuildCommandTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Carries_out_several_requests_in_one_process()
    {
        ModelBuildProcess run = await Build(Write("cpu"), Write("cuda"));

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.IsTrue(Result("cpu").Succeeded);
        Assert.IsTrue(Result("cuda").Succeeded);
        Assert.IsTrue(File.Exists(place["obj/model.cuda.onnx"]));
    }

    [TestMethod]
    public async Task Takes_its_requests_from_a_response_file()
    {
        File.WriteAllLines(place["arguments.rsp"], [$"\"{Write("cpu")}\"", $"\"{Write("cuda")}\""]);

        await Build($"@{place["arguments.rsp"]}");

        Assert.IsTrue(Result("cuda").Succeeded);
    }

    [TestMethod]
    public async Task A_bad_model_is_a_result_and_no_failure_of_the_worker()
    {
        File.WriteAllText(place.ModelPath, "Hello");

        ModelBuildProcess run = await Build(Write("cpu"));

        Assert.AreEqual(0, run.AssertPlain().ExitCode);
        Assert.AreEqual("MBT4001", Result("cpu").Diagnostics.Single().Code);
    }

    [TestMethod]
    public async Task A_bad_model_does_not_stop_the_others()
    {
        string bad = Write("cpu", request => request.ModelPath = place["nowhere.onnx"]);

        await Build(bad, Write("cuda"));

        Assert.IsFalse(Result("cpu").Succeeded);
        Assert.IsTrue(Result("cuda").Succeeded);
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow("")]
    [DataRow("{ \"Version\": 1, \"Target\": ")]
    [DataRow("{ \"Version\": 99 }")]
    [DataRow("{ \"Version\": 1, \"Measurement\": \"Sometimes\" }")]
    public async Task An_unreadable_request_is_a_clear_error_and_does_not_stop_the_others(string? content)
    {
        string bad = place["bad.request.json"];
        if (content is not null)
        {
            File.WriteAllText(bad, content);
        }

        ModelBuildProcess run = await Build(bad, Write("cuda"));

        run.AssertFailsWith("MBT3001", bad);
        Assert.IsTrue(Result("cuda").Succeeded);
    }

    [TestMethod]
    public async Task A_result_that_cannot_be_written_is_a_clear_error_and_does_not_stop_the_others()
    {
        string result = Path.Combine(place.ModelPath, "result.json");

        ModelBuildProcess run = await Build(Write("cpu", request => request.ResultPath = result), Write("cuda"));

        run.AssertFailsWith("MBT3003", result);
        Assert.IsTrue(Result("cuda").Succeeded);
    }

    [TestMethod]
    public async Task The_artifact_is_the_same_on_one_core_and_on_two()
    {
        void UseData(OptimizationRequest request)
        {
            request.CalibrationData = place.WriteData("calibration", count: 300);
            request.Settings = new ModelSettings { Quantization = Quantization.Static };
        }

        byte[][] artifacts = new byte[2][];
        for (int cores = 1; cores <= 2; cores++)
        {
            ModelBuildProcess run = await ModelBuildProcess.RunOn(cores, TestContext.CancellationToken, "build", Write("cpu", request =>
            {
                UseData(request);
                request.CacheDirectory = place[$"cache{cores}"];
            }));
            Assert.AreEqual(0, run.ExitCode, run.Errors);
            artifacts[cores - 1] = File.ReadAllBytes(place["obj/model.cpu.onnx"]);
        }

        CollectionAssert.AreEqual(artifacts[0], artifacts[1]);
        Assert.IsFalse(Result("cpu").FromCache);
    }

    private string Write(string target, Action<OptimizationRequest>? change = null)
    {
        string path = place[$"{target}.request.json"];
        place.Request(request =>
        {
            request.Target = target;
            request.OutputPath = place[$"obj/model.{target}.onnx"];
            request.ResultPath = place[$"obj/model.{target}.result.json"];
            change?.Invoke(request);
        }).Write(path);
        return path;
    }

    private OptimizationResult Result(string target) => OptimizationResult.Read(place[$"obj/model.{target}.result.json"]);

    private Task<ModelBuildProcess> Build(params string[] requests) => ModelBuildProcess.Run(TestContext.CancellationToken, ["build", .. requests]);
}
