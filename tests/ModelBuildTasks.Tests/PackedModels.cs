using Microsoft.Build.Utilities;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class PackedModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void The_portable_model_is_for_any_runtime() =>
        CollectionAssert.AreEqual(new[] { "runtimes/any/native/digits.cpu.onnx" }, Place(Artifact("net10.0", "digits", "cpu")));

    [TestMethod]
    public void A_model_for_one_processor_is_for_that_processor_on_every_system() =>
        CollectionAssert.AreEquivalent(new[] { "runtimes/unix-arm64/native/digits.cpu-arm64.onnx", "runtimes/win-arm64/native/digits.cpu-arm64.onnx" },
            Place(Artifact("net10.0", "digits", "cpu-arm64")));

    // NuGet takes one folder, the most specific.
    [TestMethod]
    public void A_folder_repeats_what_it_hides()
    {
        var placed = Place(Artifact("net10.0", "digits", "cpu"), Artifact("net10.0", "letters", "cpu-x64"), Artifact("net10.0", "faces", "cuda"));

        CollectionAssert.AreEquivalent(new[] { "faces.cuda.onnx", "digits.cpu.onnx", "letters.cpu-x64.onnx" }, In("linux-x64", placed));
        CollectionAssert.AreEquivalent(new[] { "faces.cuda.onnx", "digits.cpu.onnx", "letters.cpu-x64.onnx" }, In("win-x64", placed));
        CollectionAssert.AreEquivalent(new[] { "digits.cpu.onnx", "letters.cpu-x64.onnx" }, In("unix-x64", placed));
        CollectionAssert.AreEquivalent(new[] { "faces.cuda.onnx", "digits.cpu.onnx" }, In("linux-arm64", placed));
        CollectionAssert.AreEquivalent(new[] { "digits.cpu.onnx" }, In("any", placed));
    }

    [TestMethod]
    public void A_model_for_directml_reaches_windows_alone() =>
        CollectionAssert.AreEquivalent(new[] { "runtimes/win-x64/native/digits.directml.onnx", "runtimes/win-arm64/native/digits.directml.onnx" },
            Place(Artifact("net10.0", "digits", "directml")));

    [TestMethod]
    public void Frameworks_that_made_the_same_bytes_give_one_file() =>
        Assert.HasCount(1, Place(Artifact("net8.0", "digits", "cpu"), Artifact("net10.0", "digits", "cpu")));

    [TestMethod]
    public void Frameworks_that_made_different_bytes_are_left_to_nuget_to_warn_of() =>
        Assert.HasCount(2, Place(Artifact("net8.0", "digits", "cpu"), Artifact("net10.0", "digits", "cpu", 2)));

    private static string[] In(string runtime, string[] placed)
    {
        var folder = $"runtimes/{runtime}/native/";
        return [.. placed.Where(path => path.StartsWith(folder, StringComparison.Ordinal)).Select(path => path[folder.Length..])];
    }

    private static string[] Place(params TaskItem[] artifacts)
    {
        var task = new PlaceModelsInPackage { Artifacts = artifacts, BuildEngine = new BuildEngine() };
        Assert.IsTrue(task.Execute());
        return [.. task.Files.Select(file => file.GetMetadata("PackagePath"))];
    }

    private TaskItem Artifact(string framework, string name, string target, byte content = 1)
    {
        var item = new TaskItem(_folder.Write($"{framework}-{name}-{target}.onnx", [content]));
        item.SetMetadata("TargetProfile", target);
        item.SetMetadata("LogicalName", $"models/{name}.{target}.onnx");
        return item;
    }
}
