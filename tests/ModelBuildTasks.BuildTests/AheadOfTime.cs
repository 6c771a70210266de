using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class AheadOfTime : IDisposable
{
    private readonly App _app = new()
    {
        ReferencesOnnxRuntime = true,
        Items = """
            <OptimizedModel Include="models/digits.onnx" />
            <OptimizedModel Include="models/letters.onnx" Embed="false" />
            <OptimizedModel Include="models/digits.onnx" Name="packed" Compress="true" />
            """,
    };

    public AheadOfTime()
    {
        _app.Write("models/letters.onnx", App.Classifier());
        _app.Write("Program.cs", """
            using MyApp;
            using var digits = Digits.Load();
            using var letters = Letters.Load();
            using var packed = Packed.Load();
            Console.Write($"{digits.Variant.StartsWith("cpu-")} {digits.Run(new float[] { 5, 7, 9 }).Scores[1]} {letters.Run(new float[] { 4, 6, 8 }).Scores[1]} {packed.Run(new float[] { 1, 2, 3 }).Scores[1]}");
            """);
    }

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void A_trimmed_app_runs_its_model_without_a_warning_about_the_accessor() => Publish("-p:PublishTrimmed=true", "-p:SelfContained=true");

    [TestMethod]
    public void A_native_app_runs_its_model_without_a_warning_about_the_accessor()
    {
        if (!Native.HasLinker)
        {
            Assert.Inconclusive("Native AOT links with clang or gcc, and this machine has neither.");
        }

        Publish("-p:PublishAot=true");
    }

    private void Publish(params string[] properties)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("Native code is linked with the machine's own tools, which this test knows on Linux only.");
        }

        _app.Project = "<PropertyGroup><TrimmerSingleWarn>false</TrimmerSingleWarn><InvariantGlobalization>true</InvariantGlobalization></PropertyGroup>";
        var outcome = _app.Run("publish", ["-r", System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier, "-o", _app.At("out"), .. properties]);

        outcome.ShouldSucceed();
        Assert.IsFalse(outcome.Warnings.Any(warning => warning.File?.EndsWith(".g.cs", StringComparison.Ordinal) == true), outcome.Output);
        Assert.AreEqual("True 7 6 2", Native.Run(_app.At("out/app")));
    }
}
