using System.Xml.Linq;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

/// <summary>Keeps the property pages in step with what this version reads.</summary>
[TestClass]
public sealed class PropertyPages
{
    private static readonly XNamespace s_rules = "http://schemas.microsoft.com/build/2009/properties";

    private static readonly Dictionary<string, IReadOnlyList<string>> s_choices = new()
    {
        [MetadataNames.Precision] = Choice.Names<Precision>(),
        [MetadataNames.IoPrecision] = Choice.Names<IoPrecision>(),
        [MetadataNames.Quantization] = Choice.Names<Quantization>(),
        [MetadataNames.Calibration] = Choice.Names<Calibration>(),
        [MetadataNames.Pruning] = Choice.Names<Pruning>(),
        [MetadataNames.PruningScope] = Choice.Names<PruningScope>(),
        [MetadataNames.FineTune] = Choice.Names<FineTune>(),
        [MetadataNames.Metric] = Choice.Names<Metric>(),
        [MetadataNames.Objective] = Choice.Names<Objective>(),
        [MetadataNames.Format] = Choice.Names<ArtifactFormat>(),
        [MetadataNames.AccessorVisibility] = ["Internal", "Public"],
    };

    [TestMethod]
    public void The_item_page_has_every_metadata_that_this_version_reads_and_no_other()
    {
        CollectionAssert.AreEquivalent(MetadataNames.All.ToArray(), Shown("OptimizedModel.xaml").Select(NameOf).ToArray());
    }

    [TestMethod]
    public void A_choice_offers_the_values_that_this_version_accepts_and_the_default_first()
    {
        var offered = Shown("OptimizedModel.xaml").Where(property => property.Name == s_rules + "EnumProperty").ToDictionary(NameOf, Values);

        CollectionAssert.AreEquivalent(s_choices.Keys, offered.Keys);
        foreach (var (name, values) in s_choices)
        {
            CollectionAssert.AreEqual(values.ToArray(), offered[name], name);
        }
    }

    [TestMethod]
    public void Switches_are_switches()
    {
        var switches = Shown("OptimizedModel.xaml").Where(property => property.Name == s_rules + "BoolProperty").Select(NameOf).ToArray();

        CollectionAssert.AreEquivalent(new[] { MetadataNames.Embed, MetadataNames.Compress, MetadataNames.Accessor }, switches);
    }

    [TestMethod]
    public void The_project_page_offers_properties_that_the_targets_read_with_all_their_values()
    {
        var targets = string.Concat(Directory.GetFiles(Path.Combine(Repository.Root, "build"), "*.targets").Select(File.ReadAllText));
        var properties = Shown("ModelBuild.xaml");

        Assert.IsNotEmpty(properties);
        foreach (var name in properties.Select(NameOf))
        {
            StringAssert.Contains(targets, $"$({name})");
        }

        CollectionAssert.AreEqual(Choice.Names<BudgetSeverity>().ToArray(), Values(properties.Single(property => NameOf(property) == "ModelBudgetSeverity")));
        CollectionAssert.AreEqual(Choice.Names<Measurement>().ToArray(), Values(properties.Single(property => NameOf(property) == "ModelMeasurement")));
    }

    [TestMethod]
    [DataRow("OptimizedModel.xaml")]
    [DataRow("ModelBuild.xaml")]
    public void Every_property_says_what_it_is_and_where_to_read_more(string page)
    {
        var categories = Load(page).Descendants(s_rules + "Category").Select(NameOf).ToList();

        foreach (var property in Shown(page))
        {
            Assert.IsFalse(string.IsNullOrWhiteSpace((string?)property.Attribute("DisplayName")), NameOf(property));
            Assert.EndsWith(".", (string?)property.Attribute("Description") ?? "", NameOf(property));
            Assert.StartsWith("https://", (string?)property.Attribute("HelpUrl") ?? "", NameOf(property));
            Assert.Contains((string?)property.Attribute("Category"), categories, NameOf(property));
        }
    }

    [TestMethod]
    public void An_onnx_file_that_is_added_becomes_a_model()
    {
        var schema = Load("OptimizedModel.ItemType.xaml");
        var extension = schema.Element(s_rules + "FileExtension")!;
        var content = schema.Element(s_rules + "ContentType")!;

        Assert.AreEqual(".onnx", NameOf(extension));
        Assert.AreEqual(NameOf(content), (string?)extension.Attribute("ContentType"));
        Assert.AreEqual(NameOf(schema.Element(s_rules + "ItemType")!), (string?)content.Attribute("ItemType"));
        Assert.AreEqual("OptimizedModel", (string?)content.Attribute("ItemType"));
    }

    // Not what describes the file itself.
    private static List<XElement> Shown(string page) =>
        [.. Load(page).Elements().Where(element => element.Name.LocalName is "StringProperty" or "StringListProperty" or "EnumProperty" or "BoolProperty"
            && (string?)element.Attribute("Visible") != "false" && (string?)element.Attribute("ReadOnly") != "true")];

    private static string[] Values(XElement property) => [.. property.Elements(s_rules + "EnumValue").Select(NameOf)];

    private static string NameOf(XElement element) => (string)element.Attribute("Name")!;

    private static XElement Load(string page) => XDocument.Load(Path.Combine(Repository.Root, "build", page)).Root!;
}
