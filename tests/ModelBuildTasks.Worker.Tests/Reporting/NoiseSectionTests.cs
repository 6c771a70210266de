using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class NoiseSectionTests
{
    [TestMethod]
    public void Layers_come_in_the_order_of_what_they_lose()
    {
        XElement section = Section(Layer("a", 40, 0.1), Layer("b", 20, 3), Layer("c", 30, -0.2), Layer("exact", double.PositiveInfinity, null));

        XElement[] plots = [.. section.Descendants("figure")];
        CollectionAssert.AreEqual(new[] { "b20.0 dB", "c30.0 dB", "a40.0 dB" }, plots[0].Descendants("li").Select(item => item.Value).ToArray());
        CollectionAssert.AreEqual(new[] { "b3.0 dB", "a0.1 dB", "c−0.2 dB" }, plots[1].Descendants("li").Select(item => item.Value).ToArray());
        CollectionAssert.AreEqual(new[] { "50%", "75%", "100%" }, plots[0].Descendants("rect").Where(rect => (string?)rect.Attribute("class") == "fill").Select(rect => (string)rect.Attribute("width")!).ToArray());
    }

    [TestMethod]
    public void Of_many_layers_the_first_are_drawn_and_the_others_counted()
    {
        XElement section = Section([.. Enumerable.Range(0, 25).Select(i => Layer($"{i}", i + 1, null))]);

        Assert.HasCount(20, section.Descendants("li"));
        StringAssert.Contains(section.Value, "And 5 layers that lose less.");
    }

    [TestMethod]
    public void Without_sensitivities_it_is_said_when_they_are_measured()
    {
        StringAssert.Contains(Section(Layer("a", 40, null)).Value, "Sensitivities are measured where");
        Assert.DoesNotContain("Sensitivities are measured where", Section(Layer("a", 40, 1)).Value);
    }

    [TestMethod]
    public void What_was_not_measured_is_not_drawn() => Assert.IsNull(NoiseSection.Of(new QuantizationDecisions()));

    private static QuantizedLayer Layer(string name, double? noise, double? sensitivity) => new() { Name = name, IsInteger = true, SignalToNoise = noise, Sensitivity = sensitivity };

    private static XElement Section(params QuantizedLayer[] layers)
    {
        QuantizationDecisions plan = new();
        foreach (QuantizedLayer layer in layers)
        {
            plan.Layers.Add(layer);
        }

        return new XElement("div", NoiseSection.Of(plan)!);
    }
}
