using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class DistributionSectionTests
{
    [TestMethod]
    public void A_histogram_of_activations_marks_the_range_and_says_what_lies_beyond()
    {
        XElement figure = Draw(new QuantizedTensor { Name = "relu", Lowest = 0, Highest = 2, Distribution = new NumberDistribution { Lowest = 0, Width = 1, Counts = [98, 0, 1, 1] } });

        // Four bins on an axis of four units; the range ends after two.
        Assert.AreEqual("0 0 4 100", (string?)figure.Element("svg")!.Attribute("viewBox"));
        CollectionAssert.AreEqual(new[] { "0", "2" }, figure.Descendants("line").Select(line => (string)line.Attribute("x1")!).ToArray());
        Assert.AreEqual("M0 100V0H1V100H2V84.92H3V84.92H4V100Z", (string?)figure.Descendants("path").Single().Attribute("d"));
        Assert.AreEqual("0 to 2; 2 % of the numbers lie beyond", figure.Element("p")!.Value);
    }

    [TestMethod]
    public void A_histogram_of_weights_marks_the_widest_and_the_narrowest_channel()
    {
        XElement figure = Draw(new QuantizedLayer { Name = "Conv 'a'", IsInteger = true, Weights = new NumberDistribution { Lowest = -1, Width = 0.5, Counts = [1, 5, 5, 1], WidestChannel = 1, NarrowestChannel = 0.25 } });

        CollectionAssert.AreEqual(new[] { "inner 1.5", "inner 2.5", "end 0", "end 4" }, figure.Descendants("line").Select(line => $"{(string?)line.Attribute("class")} {(string?)line.Attribute("x1")}").ToArray());
    }

    [TestMethod]
    public void A_range_far_beyond_the_numbers_does_not_squeeze_them_into_nothing()
    {
        XElement figure = Draw(new QuantizedTensor { Name = "x", Lowest = -1e6, Highest = 1e6, Distribution = new NumberDistribution { Lowest = 0, Width = 1, Counts = [1, 1] } });

        Assert.AreEqual("0 0 18 100", (string?)figure.Element("svg")!.Attribute("viewBox"));
    }

    [TestMethod]
    [DataRow(0.0, 0.0, "1")]
    [DataRow(double.NaN, 1.0, "1")]
    [DataRow(0.0, 1.0, "0 0")]
    [DataRow(0.0, 1.0, "")]
    public void What_has_no_axis_is_not_drawn(double lowest, double width, string counts)
    {
        QuantizationDecisions plan = new();
        plan.Tensors.Add(new QuantizedTensor { Distribution = new NumberDistribution { Lowest = lowest, Width = width, Counts = [.. counts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)] } });

        Assert.IsNull(DistributionSection.Of(plan));
    }

    private static XElement Draw(QuantizedTensor tensor)
    {
        QuantizationDecisions plan = new();
        plan.Tensors.Add(tensor);
        return new XElement("div", DistributionSection.Of(plan)!).Descendants("figure").Single();
    }

    private static XElement Draw(QuantizedLayer layer)
    {
        QuantizationDecisions plan = new();
        plan.Layers.Add(layer);
        return new XElement("div", DistributionSection.Of(plan)!).Descendants("figure").Single();
    }
}
