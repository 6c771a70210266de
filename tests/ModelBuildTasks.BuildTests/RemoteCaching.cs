using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

/// <summary>Two machines are two local caches: what one of them made, the other gets from nginx.</summary>
[TestClass]
public sealed class RemoteCaching : IDisposable
{
    private const string Skip = "-p:ModelMeasurement=Skip";
    private readonly App _app = new() { UsesRealWorker = true, Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""" };

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_second_machine_gets_the_artifact_from_nginx_without_optimizing()
    {
        using var nginx = Nginx.Start();
        UseSampleModel();

        BuildOn("first", nginx.Url).ShouldSucceed();
        var first = Result();
        var uploaded = nginx.Requests;
        var second = BuildOn("second", nginx.Url).ShouldSucceed();

        Assert.IsFalse(first.FromCache);
        Assert.IsTrue(Result().FromCache);
        Assert.AreEqual(first.ArtifactSha256, Result().ArtifactSha256);
        Assert.DoesNotContain("MBT1007", second.WarningCodes);
        CollectionAssert.AreEqual(new[] { "GET 404", "PUT 201", "PUT 201", "PUT 201", "PUT 201", "PUT 201" }, uploaded.Select(Short).ToArray(), string.Join('\n', uploaded));
        CollectionAssert.AreEqual(new[] { "GET 200", "GET 200", "GET 200" }, nginx.Requests.Skip(uploaded.Length).Select(Short).ToArray());
        Assert.IsTrue(File.Exists(Path.Combine(nginx.Files, "models", "cas", first.ArtifactSha256!)));
    }

    [TestMethod]
    public void A_damaged_server_costs_a_warning_and_the_artifact_is_the_right_one()
    {
        using var nginx = Nginx.Start();
        UseSampleModel();
        BuildOn("first", nginx.Url).ShouldSucceed();
        var first = Result();
        var stored = Path.Combine(nginx.Files, "models", "cas", first.ArtifactSha256!);
        var bytes = File.ReadAllBytes(stored);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(stored, bytes);

        var second = BuildOn("second", nginx.Url).ShouldSucceed();

        Assert.AreEqual(1, second.Warnings.Count(warning => warning.Code == "MBT1007"), second.Output);
        Assert.IsFalse(Result().FromCache);
        Assert.AreEqual(first.ArtifactSha256, Result().ArtifactSha256);
        BuildOn("third", nginx.Url).ShouldSucceed();
        Assert.IsTrue(Result().FromCache, "The second machine mended the server.");
    }

    [TestMethod]
    public void A_server_that_does_not_run_costs_one_warning_which_is_not_repeated_and_no_password_is_written()
    {
        int port;
        using (var nginx = Nginx.Start())
        {
            port = nginx.Port;
        }

        _app.Write("models/other.onnx", App.Classifier());
        _app.Items = """<OptimizedModel Include="models/*.onnx" Precision="Float32" />""";
        var url = $"http://build:secret@127.0.0.1:{port}/models";

        var first = BuildOn("first", url).ShouldSucceed();
        var second = _app.Build(Skip, Cache("first"), Remote(url)).ShouldSucceed();

        Assert.AreEqual(1, first.Warnings.Count(warning => warning.Code == "MBT1007"), first.Output);
        Assert.DoesNotContain("secret", first.Output);
        Assert.IsFalse(Directory.EnumerateFiles(_app.At("obj/Debug/net10.0/modelbuild"), "*.json", SearchOption.AllDirectories).Any(file => File.ReadAllText(file).Contains("secret", StringComparison.Ordinal)));
        Assert.DoesNotContain("MBT1007", second.WarningCodes);
        Assert.AreEqual(0, second.TaskRuns("OptimizeModels"));
    }

    [TestMethod]
    public void What_is_no_url_is_a_coded_error() => _app.Build(Remote("cache.example.com")).ShouldFailWith("MBT0002");

    private void UseSampleModel() => File.Copy(Path.Combine(Repository.Root, "samples/MeterReader/Models/digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);

    /// <summary>Builds as on a machine that has nothing yet.</summary>
    private BuildOutcome BuildOn(string machine, string url)
    {
        if (Directory.Exists(_app.At("obj")))
        {
            Directory.Delete(_app.At("obj"), recursive: true);
        }

        return _app.Build(Skip, Cache(machine), Remote(url));
    }

    private string Cache(string machine) => $"-p:ModelCacheDirectory={_app.At(machine)}";

    private static string Remote(string url) => $"-p:ModelRemoteCache={url}";

    private static string Short(string request) => $"{request.Split(' ')[0]} {request.Split(' ')[^1]}";

    private OptimizationResult Result() => OptimizationResult.Read(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.result.json"));
}
