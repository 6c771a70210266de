using System.Globalization;
using System.Text;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>How the numbers of weights and activations lie in the ranges that their integers cover, as histograms.</summary>
internal static class DistributionSection
{
    /// <summary>More are shown when they are asked for.</summary>
    private const int MostOpen = 12;

    /// <summary>Units of a drawing's height; its width has one for each bin.</summary>
    private const int Height = 100;

    /// <summary>A drawing is this many times as wide as its numbers at most: a range may reach far beyond them.</summary>
    private const int MostOfNumbers = 4;

    /// <summary>Shares below have no digit that is told.</summary>
    private const double LeastTold = 0.00001;

    /// <returns>Null where no histogram was kept.</returns>
    internal static object?[]? Of(QuantizationDecisions plan)
    {
        XElement[] activations = [.. plan.Tensors.Where(tensor => IsDrawable(tensor.Distribution)).Select(Activation)];
        XElement[] weights = [.. plan.Layers.Where(layer => IsDrawable(layer.Weights)).Select(Weights)];
        return activations.Length + weights.Length == 0 ? null :
        [
            new XElement("h3", "Distributions"),
            new XElement("p", new XAttribute("class", "note"),
                "Heights are logarithms of counts. Between the lines is the range that integers cover; what lies beyond is cut off to it. ",
                "Weights have a range for each output channel: dashed, the narrowest."),
            Gallery("Activations in calibration", activations),
            Gallery("Weights", weights),
        ];
    }

    private static XElement Activation(QuantizedTensor tensor)
    {
        NumberDistribution numbers = tensor.Distribution!;
        (double low, double high) = (tensor.Lowest ?? numbers.Lowest, tensor.Highest ?? Highest(numbers));
        double outside = numbers.Counts.Where((_, bin) => Middle(numbers, bin) < low || Middle(numbers, bin) > high).Sum(count => (double)count) / numbers.Counts.Sum(count => (double)count);
        return Draw(tensor.Name, numbers, low, high, null, outside switch
        {
            0 => "",
            < LeastTold => "; less than 0.001 % of the numbers lie beyond",
            _ => string.Create(CultureInfo.InvariantCulture, $"; {100 * outside:0.###} % of the numbers lie beyond"),
        });
    }

    private static XElement Weights(QuantizedLayer layer)
    {
        double reach = layer.Weights!.WidestChannel ?? 0;
        return Draw(layer.Name, layer.Weights, -reach, reach, layer.Weights.NarrowestChannel, "");
    }

    private static XElement Draw(string name, NumberDistribution numbers, double low, double high, double? inner, string remark)
    {
        double room = MostOfNumbers * numbers.Width * numbers.Counts.Count;
        double least = Math.Max(Math.Min(low, numbers.Lowest), numbers.Lowest - room), most = Math.Min(Math.Max(high, Highest(numbers)), Highest(numbers) + room);
        string range = $"{Number(low)} to {Number(high)}";
        return new XElement("figure", new XAttribute("class", "histogram"),
            new XElement("figcaption", name),
            new XElement("svg",
                new XAttribute("role", "img"),
                new XAttribute("aria-label", $"Numbers of {name} from {Number(numbers.Lowest)} to {Number(Highest(numbers))}, range {range}{remark}"),
                new XAttribute("viewBox", $"0 0 {Text((most - least) / numbers.Width)} {Text(Height)}"),
                new XAttribute("preserveAspectRatio", "none"),
                new XElement("rect", new XAttribute("class", "track"), new XAttribute("x", Text(Place(low))), new XAttribute("width", Text(Place(high) - Place(low))), new XAttribute("height", Height)),
                new XElement("path", new XAttribute("class", "fill"), new XAttribute("d", Outline(numbers, (numbers.Lowest - least) / numbers.Width))),
                inner is { } reach ? new[] { Line("inner", -reach), Line("inner", reach) } : null,
                Line("end", low), Line("end", high)),
            new XElement("p", $"{range}{remark}"));

        double Place(double value) => (Math.Clamp(value, least, most) - least) / numbers.Width;
        XElement Line(string kind, double value) => new("line",
            new XAttribute("class", kind), new XAttribute("vector-effect", "non-scaling-stroke"),
            new XAttribute("x1", Text(Place(value))), new XAttribute("x2", Text(Place(value))), new XAttribute("y1", 0), new XAttribute("y2", Height));
    }

    /// <summary>One path of all bars, each a unit wide.</summary>
    private static string Outline(NumberDistribution numbers, double from)
    {
        double tallest = Math.Log(1 + (double)numbers.Counts.Max());
        StringBuilder path = new($"M{Text(from)} {Height}");
        for (int bin = 0; bin < numbers.Counts.Count; bin++)
        {
            path.Append(CultureInfo.InvariantCulture, $"V{Text(Height * (1 - Math.Log(1 + (double)numbers.Counts[bin]) / tallest))}H{Text(from + bin + 1)}");
        }

        return path.Append(CultureInfo.InvariantCulture, $"V{Height}Z").ToString();
    }

    /// <summary>Result files are read as they are, and a drawing needs an axis.</summary>
    private static bool IsDrawable(NumberDistribution? numbers) =>
        numbers is { Width: > 0, Counts.Count: > 0 } && double.IsFinite(numbers.Lowest) && double.IsFinite(Highest(numbers)) && numbers.Counts.Max() > 0;

    private static XElement? Gallery(string title, XElement[] drawings)
    {
        if (drawings.Length == 0)
        {
            return null;
        }

        XElement gallery = new("div", new XAttribute("class", "gallery"), drawings);
        return drawings.Length <= MostOpen
            ? new XElement("section", new XElement("h4", title), gallery)
            : new XElement("section", new XElement("h4", title), new XElement("details", new XElement("summary", $"Show all {drawings.Length}"), gallery));
    }

    private static double Highest(NumberDistribution numbers) => numbers.Lowest + numbers.Width * numbers.Counts.Count;

    private static double Middle(NumberDistribution numbers, int bin) => numbers.Lowest + (bin + 0.5) * numbers.Width;

    private static string Number(double number) => number.ToString("G3", CultureInfo.InvariantCulture).Replace('-', '−');

    private static string Text(double units) => units.ToString("0.##", CultureInfo.InvariantCulture);
}
