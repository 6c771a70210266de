using ModelBuildTasks.Inference;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class PreprocessCommandTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public required TestContext TestContext { get; init; }

    private string Description => place["dataset.json"];

    private string Output => place["made/model.onnx"];

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task The_model_is_written_with_what_the_description_says_in_front()
    {
        File.WriteAllText(Description, """{ "elementType": "UInt8", "scale": "1/255" }""");
        byte[] before = File.ReadAllBytes(place.ModelPath);

        ModelBuildProcess run = await Run("preprocess", place.ModelPath, "--description", Path.GetDirectoryName(Description)!, "--output", Output);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
        using ModelSession session = ModelSession.Open(Output);
        Assert.AreEqual("x: UInt8[N, 64]", session.Inputs[0].ToString());
    }

    [TestMethod]
    public async Task A_model_is_preprocessed_once()
    {
        File.WriteAllText(Description, """{ "scale": "1/255" }""");
        await Run("preprocess", place.ModelPath, "--description", Description, "--output", Output);

        ModelBuildProcess run = await Run("preprocess", Output, "--description", Description, "--output", place["again.onnx"]);

        Assert.AreEqual(1, run.ExitCode);
        Assert.Contains("error MBT4017", run.Errors);
        Assert.IsFalse(File.Exists(place["again.onnx"]));
    }

    [TestMethod]
    public async Task The_model_is_never_written_over()
    {
        File.WriteAllText(Description, """{ "scale": "1/255" }""");

        ModelBuildProcess run = await Run("preprocess", place.ModelPath, "--description", Description, "--output", place.ModelPath);

        Assert.AreEqual(1, run.ExitCode);
        Assert.Contains("error MBT3003", run.Errors);
    }

    [TestMethod]
    public async Task A_description_that_is_not_there_is_named()
    {
        ModelBuildProcess run = await Run("preprocess", place.ModelPath, "--description", Description, "--output", Output);

        Assert.AreEqual(1, run.ExitCode);
        Assert.Contains($"{Description}: error MBT0005", run.Errors);
    }

    [TestMethod]
    public async Task An_output_that_cannot_be_written_is_named()
    {
        File.WriteAllText(Description, """{ "scale": "1/255" }""");
        File.WriteAllText(place["made"], "a file where a folder is needed");

        ModelBuildProcess run = await Run("preprocess", place.ModelPath, "--description", Description, "--output", Output);

        Assert.AreEqual(1, run.ExitCode);
        Assert.Contains("error MBT3003", run.Errors);
    }

    private Task<ModelBuildProcess> Run(params string[] arguments) => ModelBuildProcess.Run(TestContext.CancellationToken, arguments);
}
