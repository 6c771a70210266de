using ModelBuildTasks.BuildTests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.BuildTests;

/// <summary>A model of more than 2 GB: two files, of which one holds the weights.</summary>
[TestClass]
public sealed class LargeModels : IDisposable
{
    private const string Beside = """<OptimizedModel Include="models/digits.onnx" Name="large" Embed="false" />""";
    private readonly App _app = new() { Items = Beside };

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Both_files_are_copied_and_published()
    {
        _app.Run("publish", "-o", _app.At("out")).ShouldSucceed();

        CollectionAssert.AreEquivalent(new[] { "large.cpu.onnx", Weights("out") }, Files("out"));
    }

    [TestMethod]
    public void Publishing_without_a_build_takes_both_files()
    {
        _app.Build("-c", "Release").ShouldSucceed();

        _app.Run("publish", "--no-build", "-o", _app.At("out")).ShouldSucceed();

        CollectionAssert.AreEquivalent(new[] { "large.cpu.onnx", Weights("out") }, Files("out"));
    }

    [TestMethod]
    public void The_weights_of_a_model_that_changed_stay_neither_beside_the_app_nor_in_obj()
    {
        _app.Build().ShouldSucceed();
        var former = Weights("bin/Debug/net10.0");
        _app.Write("models/digits.onnx", App.OtherClassifier());

        _app.Build().ShouldSucceed();

        Assert.AreNotEqual(former, Weights("bin/Debug/net10.0"));
        Assert.IsEmpty(Directory.GetFiles(_app.Folder, former, SearchOption.AllDirectories));
    }

    [TestMethod]
    public void Nothing_is_left_of_a_candidate_whose_worker_was_killed()
    {
        _app.Build().ShouldSucceed();
        var obj = Path.GetDirectoryName(Directory.GetFiles(_app.At("obj"), "large.result.json", SearchOption.AllDirectories).Single())!;
        File.WriteAllText(Path.Combine(obj, "cpu.5e.data"), "a candidate's weights");
        _app.Write("models/digits.onnx", App.OtherClassifier());

        _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(new[] { Weights("bin/Debug/net10.0") }, Directory.GetFiles(obj, "*.data").Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void It_is_refused_as_a_resource_at_the_line_that_asks_for_it()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="large" />""";

        var outcome = _app.Build().ShouldFailWith("MBT0017");

        StringAssert.EndsWith(outcome.Errors.Single().File, "app.csproj");
    }

    [TestMethod]
    public void The_package_has_both_files_in_each_folder()
    {
        _app.WriteLibrary("Name=\"large\" Embed=\"false\" Targets=\"cpu-x64\"");

        _app.Run("pack", "Models/Models.csproj", "-o", _app.At("feed")).ShouldSucceed();

        using var package = System.IO.Compression.ZipFile.OpenRead(Directory.GetFiles(_app.At("feed")).Single());
        var files = package.Entries.Where(entry => entry.FullName.StartsWith("runtimes/", StringComparison.Ordinal)).ToLookup(entry => Path.GetDirectoryName(entry.FullName)!, entry => Path.GetExtension(entry.Name));
        CollectionAssert.AreEquivalent(new[] { "runtimes/unix-x64/native", "runtimes/win-x64/native" }, files.Select(folder => folder.Key.Replace('\\', '/')).ToArray());
        Assert.IsTrue(files.All(folder => folder.Order().SequenceEqual([".data", ".onnx"])));
    }

    [TestMethod]
    public void Switched_off_the_source_model_ships_with_its_weights()
    {
        _app.ReferencesOnnxRuntime = true;
        WriteSourceInTwoFiles();
        _app.Write("Program.cs", "using var large = MyApp.Large.Load(); Console.Write(large.Run(new float[] { 5, 7, 9 }).Scores[1]);");

        _app.Run("publish", "-p:ModelBuildEnabled=false", "-o", _app.At("out")).ShouldSucceed();

        Assert.AreEqual("9", _app.Execute("out/app.dll"));
    }

    [TestMethod]
    public void Switched_off_a_source_in_two_files_is_refused_as_a_resource()
    {
        WriteSourceInTwoFiles();
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="large" />""";

        _app.Build("-p:ModelBuildEnabled=false").ShouldFailWith("MBT0017");
    }

    /// <summary>scores = image + [1, 2, 3].</summary>
    private void WriteSourceInTwoFiles()
    {
        byte[] node = [.. Message(1, "image"), .. Message(1, "shift"), .. Message(2, "scores"), .. Message(4, "Add")];
        byte[] entry(string key, string value) => Message(13, [.. Message(1, key), .. Message(2, value)]);
        byte[] shift = [.. Number(1, 3), .. Number(2, Float), .. Message(8, "shift"), .. entry("location", "weights/shift.bin"), .. Number(14, 1)];
        _app.Write("models/digits.onnx", Model([Tensor("image", Float, "N", 3)], [Tensor("scores", Float, "N", 3)], Message(1, node), Message(5, shift)));
        _app.Write("models/weights/shift.bin", System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([1f, 2, 3]).ToArray());
    }

    private string[] Files(string folder) => [.. Directory.GetFiles(_app.At($"{folder}/models")).Select(file => Path.GetFileName(file))];

    private string Weights(string folder) => Files(folder).Single(file => file.EndsWith(".data", StringComparison.Ordinal));
}
