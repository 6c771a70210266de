using System.Globalization;
using System.Xml.Linq;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>One of the two quantities of a plot, of which less is better.</summary>
/// <param name="Title">What it is.</param>
/// <param name="Format">A value in words.</param>
/// <param name="Original">What the source model has.</param>
/// <param name="Allowed">Its budget; null where none is written.</param>
internal sealed record PlotAxis(string Title, Func<double, string> Format, double Original, double? Allowed);

/// <summary>What a dot stands for, from what is drawn last, so that nothing hides it.</summary>
internal enum DotKind
{
    /// <summary>It ships.</summary>
    Chosen,

    /// <summary>It ships though it may not, for nothing else comes closer.</summary>
    Closest,
    Front,
    Fit,
    Refused,
}

/// <param name="Number">That it has in the table.</param>
/// <param name="Name">What it is of.</param>
internal sealed record PlotDot(int Number, string Name, double X, double Y, DotKind Kind);

/// <summary>
/// Points by two quantities and their Pareto front, as SVG. As in <see cref="IntervalPlot"/>, positions are percentages and colors the style sheet's.
/// </summary>
internal static class ScatterPlot
{
    /// <summary>Percent that stays free at each end of an axis, for dots that lie on it.</summary>
    private const double Margin = 5;

    /// <summary>What was refused widens an axis to this many times what the others need at most: one broken form would press all others into a corner.</summary>
    private const double MostOfOthers = 3;

    /// <summary>Percent of width and height within which two numbers would be written over each other.</summary>
    private const double RoomX = 4, RoomY = 7;

    /// <summary>Percent of the width from which on a number stands left of its dot.</summary>
    private const double LastStart = 88;

    /// <param name="dots">At least two, of finite places.</param>
    internal static XElement Draw(PlotAxis x, PlotAxis y, IReadOnlyList<PlotDot> dots)
    {
        Scale across = Scale.Of(x, dots, dot => dot.X), up = Scale.Of(y, dots, dot => dot.Y);
        PlotDot[] front = [.. Front(dots)];
        return new XElement("figure", Class("scatter"),
            new XElement("figcaption", $"{y.Title} (up) against {Small(x.Title)} (across)"),
            new XElement("div", Class("frame"),
                new XElement("svg", Class("upright"), new XAttribute("aria-hidden", "true"),
                    up.Ticks.Select(tick => new XElement("text", new XAttribute("x", "100%"), new XAttribute("y", Down(tick)), new XAttribute("dx", "-6"), new XAttribute("dy", "0.35em"), new XAttribute("text-anchor", "end"), y.Format(tick)))),
                new XElement("svg", Class("field"), new XAttribute("role", "img"), new XAttribute("aria-label", Words(x, y, dots)),
                    up.Ticks.Select(tick => Line("baseline", "0", "100%", Down(tick), Down(tick))),
                    Upright("original", x.Original), Level("original", y.Original),
                    x.Allowed is { } most ? Upright("allowed", most) : null,
                    y.Allowed is { } worst ? Level("allowed", worst) : null,
                    front.Length < 2 ? null : new XElement("svg", new XAttribute("viewBox", "0 0 100 100"), new XAttribute("preserveAspectRatio", "none"),
                        new XElement("polyline", new XAttribute("vector-effect", "non-scaling-stroke"),
                            new XAttribute("points", string.Join(" ", front.Select(dot => $"{Number(across.Place(dot.X))},{Number(100 - up.Place(dot.Y))}"))))),
                    dots.OrderByDescending(dot => dot.Kind).Select(Dot),
                    Numbers()),
                new XElement("svg", Class("axis"), new XAttribute("aria-hidden", "true"),
                    across.Ticks.Select(tick => new XElement("text", new XAttribute("x", Across(tick)), new XAttribute("y", "1.2em"), new XAttribute("text-anchor", "middle"), x.Format(tick))))));

        string Across(double value) => $"{Number(across.Place(value))}%";
        string Down(double value) => $"{Number(100 - up.Place(value))}%";
        XElement Upright(string kind, double value) => Line(kind, Across(value), Across(value), "0", "100%");
        XElement Level(string kind, double value) => Line(kind, "0", "100%", Down(value), Down(value));

        XElement Dot(PlotDot dot) => new("circle", Class($"{dot.Kind.ToString().ToLowerInvariant()}{(across.Holds(dot.X) && up.Holds(dot.Y) ? "" : " beyond")}"),
            new XAttribute("cx", Across(dot.X)), new XAttribute("cy", Down(dot.Y)), new XAttribute("r", dot.Kind is DotKind.Chosen or DotKind.Closest ? "8" : "5"),
            new XElement("title", $"{dot.Number}. {dot.Name}: {Place(x, y, dot)}"));

        IEnumerable<XElement> Numbers()
        {
            List<(double X, double Y)> taken = [];
            foreach (PlotDot dot in dots.Where(dot => dot.Kind <= DotKind.Front).OrderBy(dot => dot.Kind))
            {
                (double X, double Y) place = (across.Place(dot.X), up.Place(dot.Y));
                if (taken.Any(other => Math.Abs(other.X - place.X) < RoomX && Math.Abs(other.Y - place.Y) < RoomY))
                {
                    continue;
                }

                taken.Add(place);
                bool isLast = place.X > LastStart;
                yield return new XElement("text", new XAttribute("x", Across(dot.X)), new XAttribute("y", Down(dot.Y)),
                    new XAttribute("dx", isLast ? "-10" : "10"), new XAttribute("dy", "-6"), new XAttribute("text-anchor", isLast ? "end" : "start"), $"{dot.Number}");
            }
        }
    }

    /// <summary>The front of the two quantities that are drawn: a form that is on the front for a third is no part of this line.</summary>
    private static IEnumerable<PlotDot> Front(IReadOnlyList<PlotDot> dots)
    {
        double least = double.PositiveInfinity;
        foreach (PlotDot dot in dots.Where(dot => dot.Kind is DotKind.Chosen or DotKind.Front).OrderBy(dot => dot.X).ThenBy(dot => dot.Y))
        {
            if (dot.Y < least)
            {
                least = dot.Y;
                yield return dot;
            }
        }
    }

    private static string Words(PlotAxis x, PlotAxis y, IReadOnlyList<PlotDot> dots)
    {
        int refused = dots.Count(dot => dot.Kind is DotKind.Refused or DotKind.Closest);
        IEnumerable<string> shown = dots.Where(dot => dot.Kind <= DotKind.Front).OrderBy(dot => dot.X)
            .Select(dot => $"{dot.Number}. {dot.Name}{(dot.Kind < DotKind.Front ? ", which is kept" : "")}: {Place(x, y, dot)}");
        return $"{Quantities.Count(dots.Count, "form", "forms")}, {refused} refused. {string.Join("; ", shown)}.";
    }

    private static string Place(PlotAxis x, PlotAxis y, PlotDot dot) => $"{Small(x.Title)} {x.Format(dot.X)}, {Small(y.Title)} {y.Format(dot.Y)}";

    private static string Small(string title) => title.Length == 0 ? title : char.ToLowerInvariant(title[0]) + title[1..];

    private static XElement Line(string kind, string x1, string x2, string y1, string y2) =>
        new("line", Class(kind), new XAttribute("x1", x1), new XAttribute("x2", x2), new XAttribute("y1", y1), new XAttribute("y2", y2));

    private static XAttribute Class(string name) => new("class", name);

    private static string Number(double percent) => percent.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>The ends of an axis.</summary>
    private sealed record Scale(double Least, double Most)
    {
        private const int MostTicks = 5;

        internal IEnumerable<double> Ticks
        {
            get
            {
                double step = Step((Most - Least) / MostTicks);
                double first = Math.Ceiling(Least / step);
                return Enumerable.Range(0, MostTicks + 1).Select(tick => (first + tick) * step).Where(tick => tick <= Most);
            }
        }

        internal static Scale Of(PlotAxis axis, IReadOnlyList<PlotDot> dots, Func<PlotDot, double> value)
        {
            double[] needed = [axis.Original, axis.Allowed ?? axis.Original, .. dots.Where(dot => dot.Kind != DotKind.Refused).Select(value)];
            (double least, double most) = (needed.Min(), needed.Max());
            double[] refused = [.. dots.Where(dot => dot.Kind == DotKind.Refused).Select(value)];
            double room = most > least ? MostOfOthers * (most - least) : double.PositiveInfinity;
            (least, most) = (Math.Max(Math.Min(least, refused.Append(least).Min()), most - room), Math.Min(Math.Max(most, refused.Append(most).Max()), least + room));
            // All alike: the axis still needs a length.
            return most > least ? new Scale(least, most) : new Scale(least - 0.5, most + 0.5);
        }

        internal bool Holds(double value) => value >= Least && value <= Most;

        /// <summary>Percent of the way; what lies beyond an end is on it.</summary>
        internal double Place(double value) => Margin + (100 - 2 * Margin) * (Math.Clamp(value, Least, Most) - Least) / (Most - Least);

        /// <summary>The next 1, 2 or 5 of a power of ten.</summary>
        private static double Step(double least)
        {
            double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
            return power * ((double[])[1, 2, 5, 10]).First(factor => factor * power >= least || factor == 10);
        }
    }
}
