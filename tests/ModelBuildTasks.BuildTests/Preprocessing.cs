using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

/// <summary>Preprocess, with the real worker and the sample's model of digits.</summary>
[TestClass]
public sealed class Preprocessing : IDisposable
{
    private const string Sample = "samples/MeterReader";
    private const string Gray = """{ "color": "gray", "scale": "1/255" }""";
    private const string Item = """<OptimizedModel Include="models/digits.onnx" Preprocess="models/pixels.json" />""";

    /// <summary>A gradient as bytes, whose answer tells whether it was scaled.</summary>
    private const string Program = """
        using MyApp;
        using var digits = Digits.Load();
        byte[] pixels = new byte[32 * 24];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i % 251);
        Console.Write($"{Digits.Inputs.Pixels.ElementType} {string.Join(" ", digits.Run(pixels).Scores.ToArray().Select(score => score.ToString("0.00")))}");
        """;

    private readonly App _app = new() { UsesRealWorker = true, ReferencesOnnxRuntime = true, Items = Item };

    public Preprocessing()
    {
        File.Copy(Path.Combine(Repository.Root, Sample, "Models", "digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        _app.Write("models/pixels.json", Gray);
    }

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_app_gives_bytes_and_the_data_sets_stay_as_they_are()
    {
        var data = Path.Combine(Repository.Root, Sample, "Data");
        _app.Items = $"""<OptimizedModel Include="models/digits.onnx" Preprocess="{data}/evaluation" CalibrationData="{data}/calibration" EvaluationData="{data}/evaluation" MinAccuracy="0.97" />""";
        _app.Write("Program.cs", Program);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.StartsWith("UInt8 ", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void What_is_put_in_front_computes_what_the_description_says()
    {
        _app.Write("Program.cs", Program);
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        var scaled = _app.Execute("bin/Debug/net10.0/app.dll");

        _app.Items = """<OptimizedModel Include="models/digits.onnx" />""";
        _app.Write("Program.cs", Program.Replace("byte[] pixels = new byte[32 * 24]", "float[] pixels = new float[32 * 24]", StringComparison.Ordinal).Replace("(byte)(i % 251)", "(i % 251) / 255f", StringComparison.Ordinal));
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreEqual(scaled.Replace("UInt8", "Float", StringComparison.Ordinal), _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void Nothing_is_started_where_nothing_has_changed()
    {
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        _app.Build("-p:ModelMeasurement=Skip", "-p:ModelBuildDotNetHost=/nowhere/host").ShouldSucceed();
    }

    [TestMethod]
    public void Another_description_makes_another_model()
    {
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        var first = Result().ArtifactSha256;

        _app.Write("models/pixels.json", Gray.Replace("1/255", "1/128", StringComparison.Ordinal));
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreNotEqual(first, Result().ArtifactSha256);
    }

    [TestMethod]
    public void Switched_off_the_build_ships_the_source_with_the_same_in_front()
    {
        _app.Write("Program.cs", Program);
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        var optimized = _app.Execute("bin/Debug/net10.0/app.dll");

        _app.Build("-p:ModelBuildEnabled=false").ShouldSucceed();

        Assert.AreEqual(optimized, _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void A_model_that_a_command_makes_is_made_first()
    {
        _app.Items = """<OptimizedModel Include="out/digits.onnx" ExportCommand="cp models/digits.onnx out/digits.onnx" Preprocess="models/pixels.json" />""";

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
    }

    [TestMethod]
    public void A_broken_budget_is_shown_at_the_source()
    {
        _app.Items = Item.Replace(" />", """ MaxSize="1KB" />""", StringComparison.Ordinal);

        var build = _app.Build("-p:ModelMeasurement=Skip").ShouldFailWith("MBT2004", "MBT2009");

        Assert.AreEqual(_app.At("models/digits.onnx"), build.Errors[0].File);
    }

    [TestMethod]
    public void A_design_time_build_starts_nothing_and_misses_nothing() =>
        _app.Build("-t:PrepareResourceNames;Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true", "-p:ModelBuildDotNetHost=/nowhere/host").ShouldSucceed();

    [TestMethod]
    public void A_description_that_is_missing_is_told_at_the_project()
    {
        File.Delete(_app.At("models/pixels.json"));

        var build = _app.Build().ShouldFailWith("MBT0005");

        Assert.AreEqual(_app.At("app.csproj"), build.Errors[0].File);
    }

    [TestMethod]
    public void A_description_with_nothing_to_do_fails_and_says_what_there_could_be()
    {
        _app.Write("models/pixels.json", """{ "limit": 5 }""");

        var build = _app.Build().ShouldFailWith("MBT4006");

        Assert.AreEqual(_app.At("models/pixels.json"), build.Errors[0].File);
        Assert.Contains("'scale'", build.Errors[0].Text);
    }

    [TestMethod]
    public void Data_that_is_described_otherwise_fails()
    {
        _app.Items = Item.Replace(" />", $""" EvaluationData="{Path.Combine(Repository.Root, Sample, "Data", "evaluation")}" />""", StringComparison.Ordinal);
        _app.Write("models/pixels.json", Gray.Replace("1/255", "1/128", StringComparison.Ordinal));

        var build = _app.Build().ShouldFailWith("MBT4006");

        Assert.Contains("'scale'", build.Errors[0].Text);
    }

    [TestMethod]
    public void A_target_can_not_have_another_input()
    {
        _app.Items = Item + """<OptimizedModelTarget Include="cpu" Model="digits" Preprocess="models/pixels.json" />""";

        _app.Build().ShouldFailWith("MBT0003");
    }

    private OptimizationResult Result() => OptimizationResult.Read(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.result.json"));
}
