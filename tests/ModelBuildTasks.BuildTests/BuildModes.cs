using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class BuildModes : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Two_frameworks_build_side_by_side()
    {
        _app.Project = "<PropertyGroup><TargetFramework /><TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><OutputType>Library</OutputType><ImplicitUsings>disable</ImplicitUsings><LangVersion>latest</LangVersion></PropertyGroup>";
        _app.Write("Program.cs", "public static class Reader { public static long Length() { using var stream = MyApp.Digits.OpenRead(); return stream.Length; } }");

        _app.Build().ShouldSucceed();

        Assert.AreEqual(2, _app.WorkerRuns);
    }

    [TestMethod]
    public void More_models_than_a_command_line_holds_are_one_run()
    {
        const int models = 200;
        for (var i = 0; i < models; i++)
        {
            _app.Write($"models/a-model-with-quite-a-long-name-{i:000}.onnx", App.Classifier());
        }

        _app.Items = """<OptimizedModel Include="models/a-*.onnx" Accessor="false" />""";

        _app.Build().ShouldSucceed();

        Assert.HasCount(models, _app.Runs().Single().Split('|'));
        Assert.IsTrue(File.Exists(_app.At("obj/Debug/net10.0/modelbuild/requests.rsp")));
    }

    [TestMethod]
    [DataRow("-mt")]
    [DataRow("-graph", "-isolate")]
    [DataRow("-check")]
    public void The_newer_ways_to_build_work(params string[] arguments)
    {
        _app.Run("restore").ShouldSucceed();

        var outcome = _app.Build(["--no-restore", .. arguments]).ShouldSucceed();

        Assert.IsEmpty(outcome.WarningCodes);
        Assert.AreEqual(1, _app.WorkerRuns);
    }

    [TestMethod]
    public void The_tasks_that_were_compiled_ahead_for_this_platform_are_used()
    {
        _app.Run("restore").ShouldSucceed();
        var platform = System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;

        Assert.EndsWith($"tasks/{platform}/ModelBuildTasks.dll", TaskAssembly());
        Assert.EndsWith("tasks/netstandard2.0/ModelBuildTasks.dll", TaskAssembly("-p:NETCoreSdkPortableRuntimeIdentifier=haiku-x64"));

        string TaskAssembly(params string[] arguments) => _app.Run("msbuild", ["-getProperty:ModelBuildTaskAssembly", .. arguments]).ShouldSucceed().Output.Trim();
    }

    [TestMethod]
    public void Two_folders_give_the_same_assembly_where_paths_are_mapped()
    {
        using var other = new App();

        Assert.AreEqual(Built(_app), Built(other));

        static string Built(App app)
        {
            app.Build("-p:Deterministic=true", "-p:ContinuousIntegrationBuild=true", $"-p:PathMap={app.Folder}=/_").ShouldSucceed();
            return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(app.At("obj/Debug/net10.0/app.dll"))));
        }
    }
}
