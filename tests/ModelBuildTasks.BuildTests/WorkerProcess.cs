using System.Globalization;
using System.Security;
using System.Text.Json;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class WorkerProcess : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Host_and_worker_may_lie_in_paths_that_need_quotes()
    {
        const string folder = "it's (a) worker ü & co; 50% #1";
        Directory.Move(_app.At("worker"), _app.At(folder));
        Directory.CreateSymbolicLink(_app.At("the host"), Path.GetDirectoryName(DotNet.HostPath)!);
        _app.Project = $"""
            <PropertyGroup>
              <ModelBuildDotNetHost>{_app.At("the host")}/dotnet{(OperatingSystem.IsWindows() ? ".exe" : "")}</ModelBuildDotNetHost>
              <ModelBuildWorkerPath>$(MSBuildProjectDirectory)/{SecurityElement.Escape(folder).Replace("%", "%25", StringComparison.Ordinal)}/FakeWorker.dll</ModelBuildWorkerPath>
            </PropertyGroup>
            """;

        var outcome = _app.Build().ShouldSucceed();

        Assert.IsTrue(File.Exists(_app.At($"{folder}/runs.log")));
        Assert.IsTrue(outcome.Messages.Any(message => message.Contains("the host/dotnet", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_host_that_is_not_there_is_named()
    {
        // Not on the command line: the SDK refuses every argument there that ends in "/dotnet".
        _app.Project = "<PropertyGroup><ModelBuildDotNetHost>/nowhere/dotnet</ModelBuildDotNetHost></PropertyGroup>";

        Assert.Contains("/nowhere/dotnet", _app.Build().ShouldFailWith("MBT3002").Errors.Single().Text);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Its_words_arrive_as_they_are_whatever_the_locale(bool real)
    {
        _app.UsesRealWorker = real;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="zähler→" AccessorClass="Counter" Precision="Float32" />""";
        _app.Environment["LANG"] = "C";
        _app.Environment["LC_ALL"] = "POSIX";

        var outcome = _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.Contains(real ? "zähler→ (cpu): loading" : "zähler→ → cpu", outcome.Messages);
    }

    [TestMethod]
    public void Prose_that_looks_like_an_error_is_prose()
    {
        _app.Write("worker/fault.txt", "lies");

        Assert.IsEmpty(_app.Build().ShouldSucceed().ErrorCodes);
    }

    [TestMethod]
    public void A_runtime_that_is_not_installed_is_named()
    {
        _app.Write("worker/FakeWorker.runtimeconfig.json", """{ "runtimeOptions": { "tfm": "net99.0", "framework": { "name": "Microsoft.NETCore.App", "version": "99.0.0" } } }""");

        Assert.Contains("Microsoft.NETCore.App 99.0.0", _app.Build().ShouldFailWith("MBT3002").Errors.Single().Text);
    }

    [TestMethod]
    public void Talk_without_end_is_cut_short()
    {
        _app.Write("worker/fault.txt", "talks");

        var messages = _app.Build().ShouldSucceed().Messages;

        Assert.IsLessThan(10_000, messages.Count(message => message.StartsWith("line ", StringComparison.Ordinal)));
        Assert.IsFalse(messages.Any(message => message.Length > 100_000));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void It_uses_the_cores_that_the_build_may_use_and_no_more(int maxCpuCount)
    {
        _app.Build($"-m:{maxCpuCount}").ShouldSucceed();

        Assert.AreEqual(Math.Min(maxCpuCount, Environment.ProcessorCount), int.Parse(File.ReadAllText(_app.At("worker/cores.log")), CultureInfo.InvariantCulture));
    }

    [TestMethod]
    public void It_runs_on_the_host_that_builds()
    {
        _app.Run("restore").ShouldSucceed();

        // In a directory that would be looked in next, there is nothing.
        var properties = _app.Run("msbuild", "-getProperty:ModelBuildDotNetHost,DOTNET_HOST_PATH", "-p:NetCoreRoot=/nowhere/").ShouldSucceed().Output;

        using var json = JsonDocument.Parse(properties[properties.IndexOf('{', StringComparison.Ordinal)..]);
        var values = json.RootElement.GetProperty("Properties");
        Assert.AreEqual(values.GetProperty("DOTNET_HOST_PATH").GetString(), values.GetProperty("ModelBuildDotNetHost").GetString());
        Assert.IsTrue(File.Exists(values.GetProperty("ModelBuildDotNetHost").GetString()));
    }

    [TestMethod]
    public void A_build_says_one_line_for_each_model_that_was_made_and_none_for_the_others()
    {
        _app.Write("models/letters.onnx", App.Classifier());
        _app.Items = """<OptimizedModel Include="models/*.onnx" />""";
        CollectionAssert.AreEqual(new[] { "digits", "letters" }, Told(_app.Build()));

        _app.Write("models/letters.onnx", [.. App.Classifier(), .. App.Classifier()]);
        CollectionAssert.AreEqual(new[] { "letters" }, Told(_app.Build()));

        Assert.IsEmpty(Told(_app.Build()));
    }

    [TestMethod]
    public void The_line_says_sizes_and_where_the_artifact_came_from()
    {
        _app.UsesRealWorker = true;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        var bytes = App.Classifier().Length;
        StringAssert.Matches(_app.Build("-p:ModelMeasurement=Skip").ShouldSucceed().Output, new($@"^  digits \(cpu\): {bytes} bytes → \d+ bytes\r?$", System.Text.RegularExpressions.RegexOptions.Multiline));
        Directory.Delete(_app.At("obj"), recursive: true);

        StringAssert.Matches(_app.Build("-p:ModelMeasurement=Skip").ShouldSucceed().Output, new($@"^  digits \(cpu\): {bytes} bytes → \d+ bytes, from the cache\r?$", System.Text.RegularExpressions.RegexOptions.Multiline));
    }

    // Every line of the console that a build without models would not have.
    private static string[] Told(BuildOutcome outcome) => [.. outcome.ShouldSucceed().Lines
        .Where(line => line.Contains("digits", StringComparison.Ordinal) || line.Contains("letters", StringComparison.Ordinal) || line.Contains("(cpu)", StringComparison.Ordinal))
        .Select(line => line.Trim().Split(' ')[0])];
}
