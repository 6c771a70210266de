using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed partial class Templates : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("modelbuild-templates-").FullName;

    public Templates() => File.WriteAllText(At("nuget.config"), Feed.Configuration);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void A_new_app_builds_within_its_budgets_and_reads_the_digits_on_its_images()
    {
        // A name that is no C# name.
        TemplateHive.New(_folder, "modelbuild-console", "-o", "My-Reader", "--no-restore");

        var (exitCode, output) = DotNet.Run(_folder, Feed.Environment, "run", "--project", "My-Reader", "-tl:off", $"-p:ModelCacheDirectory={At("cache")}");

        Assert.AreEqual(0, exitCode, output);
        Assert.DoesNotContain("MBT", output, "There is a diagnostic.");
        StringAssert.Contains(output.ReplaceLineEndings("\n"), "digit-odometer-0.png: 0\ndigit-printed-6.png: 6\ndigit-segment-3.png: 3\n");
    }

    [TestMethod]
    public void A_new_app_references_the_packages_that_it_was_made_with()
    {
        TemplateHive.New(_folder, "modelbuild-console", "-o", "Reader", "--no-restore", "--framework", "net8.0");

        var project = XDocument.Load(At("Reader/Reader.csproj"));
        var pinned = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion").ToDictionary(Include, package => (string)package.Attribute("Version")!);

        Assert.AreEqual("net8.0", project.Descendants("TargetFramework").Single().Value);
        foreach (var package in project.Descendants("PackageReference"))
        {
            Assert.AreEqual(Include(package) == "ModelBuildTasks" ? Feed.Version : pinned[Include(package)], (string?)package.Attribute("Version"), Include(package));
        }
    }

    [TestMethod]
    public void No_placeholder_is_left_in_what_a_template_writes()
    {
        TemplateHive.New(_folder, "modelbuild-console", "-o", "Reader", "--no-restore");
        TemplateHive.New(At("Reader"), "modelbuild-item");

        foreach (var file in Directory.GetFiles(At("Reader"), "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".cs" or ".csproj" or ".md" or ".props"))
        {
            Assert.DoesNotMatchRegex(Placeholder(), File.ReadAllText(file), file);
        }
    }

    [TestMethod]
    public void The_item_adds_the_package_and_its_one_line_makes_the_models_build()
    {
        var app = At("app");
        Directory.CreateDirectory(Path.Combine(app, "Models"));
        File.WriteAllText(Path.Combine(app, "app.csproj"), """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>""");
        File.WriteAllText(Path.Combine(app, "Class.cs"), "internal static class Reader { internal static System.IO.Stream Open() => app.Digits.OpenRead(); }");
        File.WriteAllBytes(Path.Combine(app, "Models", "digits.onnx"), App.Classifier());

        var output = TemplateHive.New(app, "modelbuild-item");

        var line = ImportLine().Match(output);
        Assert.IsTrue(line.Success, output);
        var project = File.ReadAllText(Path.Combine(app, "app.csproj"));
        Assert.AreEqual(Feed.Version, (string?)XDocument.Parse(project).Descendants("PackageReference").Single().Attribute("Version"));
        File.WriteAllText(Path.Combine(app, "app.csproj"), project.Replace("</Project>", $"{line.Value}</Project>", StringComparison.Ordinal));
        var (exitCode, built) = DotNet.Run(app, Feed.Environment, "build", "-tl:off", "-p:ModelBuildEnabled=false");
        Assert.AreEqual(0, exitCode, built);
    }

    [TestMethod]
    public void The_item_shows_every_metadata_that_this_version_reads_with_values_that_it_accepts()
    {
        TemplateHive.New(_folder, "modelbuild-item");
        var comment = XDocument.Load(At("OptimizedModels.props")).DescendantNodes().OfType<XComment>().Last().Value;
        var shown = Setting().Matches(comment).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);

        CollectionAssert.AreEquivalent(MetadataNames.All.ToArray(), shown.Keys);
        foreach (var (name, value) in shown)
        {
            var complaints = SettingsReader.Read("digits", null, asked => asked == name ? value : null).Diagnostics
                .Where(diagnostic => diagnostic.Code is not null && diagnostic.Code != DiagnosticCatalogue.ContradictorySettings.Code && diagnostic.Code != DiagnosticCatalogue.NoCalibrationData.Code && diagnostic.Code != DiagnosticCatalogue.NoTrainingData.Code);
            Assert.IsEmpty(complaints, name);
        }
    }

    [TestMethod]
    public void The_package_is_a_template_package_and_small_enough_to_download_without_a_thought()
    {
        TemplateHive.New(_folder, "list");
        using var package = ZipFile.OpenRead(TemplateHive.PackageFile);
        using var nuspec = new StreamReader(package.Entries.Single(entry => entry.FullName == "ModelBuildTasks.Templates.nuspec").Open());

        StringAssert.Contains(nuspec.ReadToEnd(), "<packageType name=\"Template\" />");
        Assert.IsFalse(package.Entries.Any(entry => entry.FullName.StartsWith("lib/", StringComparison.Ordinal)));
        Assert.IsLessThan(2_000_000, new FileInfo(TemplateHive.PackageFile).Length);
    }

    private static string Include(XElement item) => (string)item.Attribute("Include")!;

    private string At(string path) => Path.Combine(_folder, path);

    [GeneratedRegex("[A-Z]+_(VERSION|NAMESPACE)|ModelApp1")]
    private static partial Regex Placeholder();

    [GeneratedRegex("<Import Project='[^']+' />")]
    private static partial Regex ImportLine();

    [GeneratedRegex("^ {20}(\\w+)=\"([^\"]*)\"", RegexOptions.Multiline)]
    private static partial Regex Setting();
}
