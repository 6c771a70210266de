using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>Where a model loses by integers: its layers in the order of what they lose, as bars.</summary>
internal static class NoiseSection
{
    /// <summary>More would be read by nobody; the table of layers has all.</summary>
    private const int MostLayers = 20;

    /// <returns>Null where nothing was measured.</returns>
    internal static object?[]? Of(QuantizationDecisions plan)
    {
        QuantizedLayer[] noisy = [.. plan.Layers.Where(layer => layer.SignalToNoise is { } ratio && double.IsFinite(ratio)).OrderBy(layer => layer.SignalToNoise)];
        QuantizedLayer[] sensitive = [.. plan.Layers.Where(layer => layer.Sensitivity is { } decibels && double.IsFinite(decibels)).OrderByDescending(layer => layer.Sensitivity)];
        XElement?[] plots =
        [
            Plot("Signal to noise of the layer's result, lowest first", noisy, layer => layer.SignalToNoise!.Value),
            Plot("What float in this layer alone would bring the outputs back, most first", sensitive, layer => layer.Sensitivity!.Value),
        ];
        return plots.All(plot => plot is null) ? null :
        [
            new XElement("h3", "Noise and sensitivity"),
            new XElement("p", new XAttribute("class", "note"), "Measured on a few calibration samples. Noise adds up on the way, so that a layer's result has that of all integers before it.",
                sensitive.Length == 0 ? " Sensitivities are measured where the whole loses enough for a layer to be worth returning to float." : null),
            new XElement("div", new XAttribute("class", "plots"), plots),
        ];
    }

    private static XElement? Plot(string title, QuantizedLayer[] layers, Func<QuantizedLayer, double> decibels)
    {
        if (layers.Length == 0)
        {
            return null;
        }

        double most = layers.Select(layer => Math.Abs(decibels(layer))).Append(1).Max();
        return new XElement("figure",
            new XElement("figcaption", title),
            new XElement("ol", new XAttribute("class", "bars"), layers.Take(MostLayers).Select(layer => new XElement("li",
                new XElement("span", layer.Name),
                new XElement("span", new XAttribute("class", "value"), string.Create(CultureInfo.InvariantCulture, $"{decibels(layer):0.0;−0.0;0.0} dB")),
                IntervalPlot.Bar(decibels(layer) / most)))),
            layers.Length > MostLayers ? new XElement("p", new XAttribute("class", "note"), $"And {Quantities.Count(layers.Length - MostLayers, "layer", "layers")} that lose less.") : null);
    }
}
