using System.Runtime.InteropServices;
using System.Xml.Linq;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>samples/EverywhereApp outside the repository, its one project file published from the packed package for three kinds of machine.</summary>
[TestClass]
public sealed class Everywhere
{
    private const string Sample = "EverywhereApp";
    private static readonly string[] s_runtimes = ["linux-x64", "linux-arm64", "win-x64"];
    private static string s_folder = "";

    [ClassInitialize]
    public static void Publish(TestContext context)
    {
        s_folder = Directory.CreateTempSubdirectory("modelbuild-everywhere-").FullName;
        CopySample();
        foreach (var runtime in s_runtimes)
        {
            // Emulation has no .NET of its own.
            var (exitCode, output) = DotNet.Run(s_folder, Feed.Environment, "publish", $"samples/{Sample}", "-r", runtime, "--self-contained", runtime == "linux-arm64" ? "true" : "false",
                "-o", Path.Combine(s_folder, runtime), "-tl:off", "-v", "m", "-p:ModelMeasurement=Skip", $"-p:ModelCacheDirectory={Path.Combine(s_folder, "cache")}");
            Assert.AreEqual(0, exitCode, output);
            Assert.DoesNotContain("MBT", output, "There is a diagnostic.");
        }
    }

    [ClassCleanup]
    public static void Clean() => Directory.Delete(s_folder, recursive: true);

    [TestMethod]
    public void Each_publish_carries_the_artifact_for_its_hardware_and_no_other()
    {
        var models = s_runtimes.ToDictionary(runtime => runtime, Models);

        CollectionAssert.AreEqual(new[] { "models/digits.cpu-x64.onnx" }, models["linux-x64"].Select(model => model.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "models/digits.cpu-arm64.onnx" }, models["linux-arm64"].Select(model => model.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "models/digits.cpu-x64.onnx" }, models["win-x64"].Select(model => model.Name).ToArray());
        CollectionAssert.AreEqual(models["linux-x64"][0].Bytes, models["win-x64"][0].Bytes, "The hardware is the same.");
        CollectionAssert.AreNotEqual(models["linux-x64"][0].Bytes, models["linux-arm64"][0].Bytes);
        var source = new FileInfo(Path.Combine(Repository.Root, "samples/MeterReader/Models/digits.onnx")).Length;
        foreach (var (runtime, artifacts) in models)
        {
            Assert.IsLessThan(0.3 * source, artifacts[0].Bytes.Length, runtime);
            Assert.IsEmpty(Directory.GetFiles(Path.Combine(s_folder, runtime), "*.onnx", SearchOption.AllDirectories), runtime);
        }
    }

    [TestMethod]
    [DataRow("linux-x64", "libonnxruntime.so", "EverywhereApp")]
    [DataRow("linux-arm64", "libonnxruntime.so", "EverywhereApp")]
    [DataRow("win-x64", "onnxruntime.dll", "EverywhereApp.exe")]
    public void Every_native_file_is_for_the_runtime_that_was_published_for(string runtime, string library, string program)
    {
        var files = NativeFiles.In(Path.Combine(s_folder, runtime));

        CollectionAssert.IsSubsetOf(new[] { library, program }, files.Keys.ToArray());
        Assert.AreEqual("", string.Join("\n", files.Where(file => file.Value != runtime)));
    }

    [TestMethod]
    public void The_app_for_linux_x64_reads_what_its_images_show()
    {
        RequireLinuxX64();

        AssertReads("linux-x64", "cpu-x64", Native.Run(Path.Combine(s_folder, "linux-x64", Sample)));
    }

    [TestMethod]
    public void The_app_for_linux_arm64_reads_the_same_under_emulation()
    {
        RequireLinuxX64();
        Arm64Emulator.Require();

        AssertReads("linux-arm64", "cpu-arm64", Arm64Emulator.Run(Path.Combine(s_folder, "linux-arm64", Sample)));
    }

    private static void RequireLinuxX64()
    {
        if (RuntimeInformation.RuntimeIdentifier != "linux-x64")
        {
            Assert.Inconclusive($"What is published for linux-x64, and emulation of ARM64, run on linux-x64; this is {RuntimeInformation.RuntimeIdentifier}.");
        }
    }

    private static void AssertReads(string runtime, string variant, string output)
    {
        var lines = output.Trim().Split('\n', StringSplitOptions.TrimEntries);
        Assert.AreEqual($"{runtime}: the {variant} variant of {variant}, in ONNX Runtime {OnnxRuntimeVersion()}", lines[0]);
        var expected = Directory.GetFiles(Path.Combine(Repository.Root, "samples/MeterReader/Images"), "*.png").Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal).Select(name => $"{name} {Path.GetFileNameWithoutExtension(name).Split('-')[^1]}");
        CollectionAssert.AreEqual(expected.ToArray(), lines.Skip(2).Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries))).ToArray());
    }

    private static (string Name, byte[] Bytes)[] Models(string runtime) => ManifestModels.Read(File.ReadAllBytes(Path.Combine(s_folder, runtime, $"{Sample}.dll")));

    /// <summary>The sample and what it links, with the reference to the package that stands in the repository for the projects.</summary>
    private static void CopySample()
    {
        foreach (var folder in new[] { Sample, "MeterReader" })
        {
            var from = Path.Combine(Repository.Root, "samples", folder);
            foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetRelativePath(from, file).Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj")))
            {
                var to = Path.Combine(s_folder, "samples", folder, Path.GetRelativePath(from, file));
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(file, to);
            }
        }

        File.WriteAllText(Path.Combine(s_folder, "samples/ModelBuildTasks.InRepository.targets"),
            """<Project><ItemGroup><PackageReference Include="ModelBuildTasks" PrivateAssets="all" /></ItemGroup></Project>""");
        var versions = Versions();
        versions.Root!.Add(new XElement("ItemGroup", new XElement("PackageVersion", new XAttribute("Include", "ModelBuildTasks"), new XAttribute("Version", Feed.Version))));
        versions.Save(Path.Combine(s_folder, "Directory.Packages.props"));
        File.WriteAllText(Path.Combine(s_folder, "nuget.config"), Feed.Configuration);
    }

    private static string OnnxRuntimeVersion() =>
        (string)Versions().Descendants("PackageVersion").Single(package => (string)package.Attribute("Include")! == "Microsoft.ML.OnnxRuntime").Attribute("Version")!;

    private static XDocument Versions() => XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"));
}
