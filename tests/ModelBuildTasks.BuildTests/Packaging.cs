using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Packaging
{
    [TestMethod]
    public void The_tasks_folder_holds_our_two_assemblies_and_no_one_elses()
    {
        CollectionAssert.AreEquivalent(new[] { "ModelBuildTasks.dll", "ModelBuildTasks.Contracts.dll" }, In("tasks/netstandard2.0/"));
    }

    // What a PE header says of a ReadyToRun image: the processor, XORed with a number for the system (pedecoder.h of the .NET runtime).
    [TestMethod]
    [DataRow("linux-x64", 0x8664 ^ 0x7B79)]
    [DataRow("linux-arm64", 0xAA64 ^ 0x7B79)]
    [DataRow("osx-arm64", 0xAA64 ^ 0x4644)]
    [DataRow("win-x64", 0x8664)]
    public void The_tasks_are_compiled_ahead_for_the_platforms_that_most_builds_run_on(string platform, int machine)
    {
        CollectionAssert.AreEquivalent(new[] { "ModelBuildTasks.dll", "ModelBuildTasks.Contracts.dll" }, In($"tasks/{platform}/"));
        foreach (var assembly in In($"tasks/{platform}/"))
        {
            using var image = Image($"tasks/{platform}/{assembly}");
            using var source = Image($"tasks/netstandard2.0/{assembly}");

            Assert.AreEqual(machine, (int)image.PEHeaders.CoffHeader.Machine, assembly);
            Assert.AreNotEqual(0, image.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size, assembly);
            // Native code takes more room than its IL; what could not be compiled is simply not there.
            Assert.IsGreaterThan(2 * Length($"tasks/netstandard2.0/{assembly}"), Length($"tasks/{platform}/{assembly}"), assembly);
            // A platform must not have code of its own.
            Assert.AreEqual(ModuleVersion(source), ModuleVersion(image), assembly);
        }
    }

    [TestMethod]
    public void The_worker_brings_onnx_runtime_for_five_platforms_and_no_more()
    {
        var runtimes = In("tools/net10.0/any/runtimes/");

        CollectionAssert.AreEquivalent(new[] { "linux-x64", "linux-arm64", "win-x64", "win-arm64", "osx-arm64" }, runtimes.Select(file => file.Split('/')[0]).Distinct().ToArray());
        Assert.HasCount(5, runtimes.Where(file => Path.GetFileNameWithoutExtension(file) is "onnxruntime" or "libonnxruntime"));
        Assert.Contains("modelbuild.dll", In("tools/net10.0/any/"));
    }

    [TestMethod]
    public void There_is_nothing_to_reference_and_nothing_to_depend_on()
    {
        using var package = ZipFile.OpenRead(Feed.PackageFile);
        using var nuspec = new StreamReader(package.Entries.Single(entry => entry.FullName == "ModelBuildTasks.nuspec").Open());
        var text = nuspec.ReadToEnd();

        Assert.IsEmpty(In("lib/"));
        StringAssert.Contains(text, "<developmentDependency>true</developmentDependency>");
        Assert.DoesNotContain("<dependency ", text);
        Assert.IsFalse(package.Entries.Any(entry => Path.GetExtension(entry.FullName) is ".pdb" or ".lib"));
    }

    [TestMethod]
    public void Only_projects_that_reference_the_package_import_it()
    {
        Assert.IsNotEmpty(In("build/"));
        CollectionAssert.AreEqual(new[] { "ModelBuildTasks.targets" }, In("buildMultiTargeting/"));
        Assert.IsEmpty(In("buildTransitive/"));
    }

    [TestMethod]
    public void Every_library_of_others_is_named_in_the_notices()
    {
        var notices = Text("THIRD-PARTY-NOTICES.txt");
        var others = In("tools/net10.0/any/").Where(file => Path.GetExtension(file) is ".dll" or ".so" or ".dylib")
            .Select(file => Path.GetExtension(file) == ".dll" && !file.StartsWith("runtimes/", StringComparison.Ordinal) ? Path.GetFileName(file) : Path.GetFileNameWithoutExtension(file).Replace("lib", "", StringComparison.Ordinal))
            .Where(file => file != "modelbuild.dll" && !file.StartsWith("ModelBuildTasks.", StringComparison.Ordinal)).Distinct().ToList();

        Assert.Contains("Google.Protobuf.dll", others);
        Assert.Contains("onnxruntime", others);
        foreach (var library in others)
        {
            Assert.MatchesRegex($"(?m)^Files: (.*, )?{library.Replace(".", "\\.", StringComparison.Ordinal)}(,|$)", notices);
        }
    }

    [TestMethod]
    public void What_the_libraries_say_of_their_own_parts_is_passed_on()
    {
        foreach (var library in new[] { "Microsoft.ML.OnnxRuntime", "System.Numerics.Tensors" })
        {
            Assert.Contains($"{library}.txt", In("tools/net10.0/any/notices/"));
            StringAssert.Contains(Text("THIRD-PARTY-NOTICES.txt"), $"notices/{library}.txt");
        }
    }

    [TestMethod]
    public void The_tool_has_a_readme_and_the_same_notices()
    {
        var folder = Path.Combine(Path.GetDirectoryName(Feed.PackageFile)!, "tool");
        // The package has built it already.
        var (exitCode, output) = DotNet.Run(Repository.Root, new Dictionary<string, string>(), "pack", "src/ModelBuildTasks.Worker", "-c", "Release", "--no-build", "-o", folder, "-v", "q", "-tl:off");
        Assert.AreEqual(0, exitCode, output);
        using var tool = ZipFile.OpenRead(Directory.GetFiles(folder).Single());
        using var nuspec = new StreamReader(tool.GetEntry("ModelBuildTasks.Tool.nuspec")!.Open());
        using var notices = new StreamReader(tool.GetEntry("THIRD-PARTY-NOTICES.txt")!.Open());

        StringAssert.Contains(nuspec.ReadToEnd(), "<readme>README.md</readme>");
        Assert.IsNotNull(tool.GetEntry("README.md"));
        Assert.IsNotNull(tool.GetEntry("tools/net10.0/any/notices/Microsoft.ML.OnnxRuntime.txt"));
        Assert.AreEqual(Text("THIRD-PARTY-NOTICES.txt"), notices.ReadToEnd().ReplaceLineEndings("\n"));
    }

    private static PEReader Image(string path)
    {
        using var package = ZipFile.OpenRead(Feed.PackageFile);
        using var file = package.GetEntry(path)!.Open();
        var bytes = new MemoryStream();
        file.CopyTo(bytes);
        bytes.Position = 0;
        return new PEReader(bytes);
    }

    private static long Length(string path)
    {
        using var package = ZipFile.OpenRead(Feed.PackageFile);
        return package.GetEntry(path)!.Length;
    }

    private static Guid ModuleVersion(PEReader image)
    {
        var metadata = image.GetMetadataReader();
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }

    private static string Text(string path)
    {
        using var package = ZipFile.OpenRead(Feed.PackageFile);
        using var reader = new StreamReader(package.GetEntry(path)!.Open());
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    private static string[] In(string folder)
    {
        using var package = ZipFile.OpenRead(Feed.PackageFile);
        return [.. package.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith(folder, StringComparison.Ordinal)).Select(name => name[folder.Length..])];
    }
}
