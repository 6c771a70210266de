using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>What the page says of the answers of a classifier: how many changed, in which classes and slices, and which classes are now taken for which.</summary>
internal static class AnswerSection
{
    /// <summary>Rows that are shown without being asked for.</summary>
    private const int MostRowsOpen = 10;

    /// <summary>Matrices of more classes are shown when they are asked for.</summary>
    private const int MostColumnsOpen = 12;

    /// <summary>Change of a cell, as a share of the label's samples, from which on it has the stronger tint.</summary>
    private const double Strong = 0.02;

    internal static object?[]? Of(AccuracyDetails? details) => details is null ? null :
    [
        new XElement("h3", "Answers"),
        new XElement("p", string.Join(' ', AnswerText.Sentences(details))),
        Slices(details),
        Classes(details),
        details.Confusion.Count == 0 ? null : details.IsWhole ? Matrix(details) : Changes(details),
    ];

    private static object?[]? Slices(AccuracyDetails details) => details.Slices.Count == 0 ? null :
    [
        Parted("slices", details.Slices, rows => HtmlTable.Of("Slices, the one that lost most first", rows,
            new("Slice", slice => slice.Slice, IsHeading: true),
            new("Samples", slice => Quantities.Number(slice.Samples), Class: "number"),
            new("Right answers lost", slice => Percent(slice.Drop), Class: "number"),
            new("Interval, 95 % for all together", slice => $"{Percent(slice.Low)} to {Percent(slice.High)}"))),
    ];

    private static object?[]? Classes(AccuracyDetails details)
    {
        ClassResult[] changed = [.. details.Classes
            .Where(entry => entry.RightOriginal != entry.RightOptimized || entry.AnsweredOriginal != entry.AnsweredOptimized)
            .OrderBy(entry => Change(entry)).ThenBy(entry => entry.Class)];
        if (details.ClassCount == 0)
        {
            return null;
        }

        string shown = details.IsWhole ? "" : ", the ones that changed most";
        return changed.Length == 0 ? [new XElement("p", $"None of {Quantities.Count(details.ClassCount, "class", "classes")} changed.")] :
        [
            new XElement("p", $"{changed.Length} of {Quantities.Count(details.ClassCount, "class", "classes")}{(details.IsWhole ? " changed" : "")}{shown}, the one that lost most first. Recall is the share of a class's samples that are found, precision the share of its answers that are right."),
            Parted("classes", changed, rows => HtmlTable.Of("Classes, the one that lost most first", rows,
                new("Class", entry => entry.Title, IsHeading: true),
                new("Right answers", entry => Signed(entry.RightOptimized - entry.RightOriginal), Class: "number"),
                new("Samples", entry => Quantities.Number(entry.Samples), Class: "number"),
                new("Recall", entry => $"{Share(entry.RightOriginal, entry.Samples)} → {Share(entry.RightOptimized, entry.Samples)}", Class: "number"),
                new("Precision", entry => $"{Share(entry.RightOriginal, entry.AnsweredOriginal)} → {Share(entry.RightOptimized, entry.AnsweredOptimized)}", Class: "number"))),
        ];
    }

    /// <summary>Labels down, answers across: the artifact's counts, and by how many they differ from the source model's.</summary>
    private static object?[] Matrix(AccuracyDetails details)
    {
        Dictionary<(int, int), ConfusionCount> cells = details.Confusion.ToDictionary(cell => (cell.Label, cell.Answer));
        bool hasNone = details.Confusion.Any(cell => cell.Answer == ConfusionCount.NoClass);
        IEnumerable<(int Class, string Title)> columns = details.Classes.Select(entry => (entry.Class, entry.Title));
        XElement table = HtmlTable.Of("Confusion matrix", details.Classes.Where(entry => entry.Samples > 0),
        [
            new("Label", entry => entry.Title, IsHeading: true),
            .. (hasNone ? columns.Append((ConfusionCount.NoClass, "none")) : columns).Select(column => new HtmlColumn<ClassResult>(
                column.Item1 == ConfusionCount.NoClass ? column.Item2 : $"{column.Item1}",
                entry => Cell(cells.GetValueOrDefault((entry.Class, column.Item1)), entry), Class: "cell")),
        ]);
        table.Add(new XAttribute("data-kind", "matrix"));
        return
        [
            new XElement("p", "The confusion matrix: labels down, the artifact's answers across; + and − are how many more or fewer samples than with the source model."),
            details.Classes.Count <= MostColumnsOpen ? table : new XElement("details", new XElement("summary", $"Show the matrix of {details.Classes.Count} classes"), table),
        ];
    }

    private static object?[] Changes(AccuracyDetails details)
    {
        Dictionary<int, string> titles = details.Classes.ToDictionary(entry => entry.Class, entry => entry.Title);
        string Title(int index) => index == ConfusionCount.NoClass ? "none" : titles.GetValueOrDefault(index, $"{index}");
        return
        [
            new XElement("p", $"The confusion matrix of {details.ClassCount} classes is too large to show: these are its {details.Confusion.Count} cells that changed most."),
            Parted("cells", details.Confusion, rows => HtmlTable.Of("Changes of the confusion matrix", rows,
                new("Label", cell => Title(cell.Label), IsHeading: true),
                new("Answer", cell => Title(cell.Answer)),
                new("Source model", cell => Quantities.Number(cell.Original), Class: "number"),
                new("Artifact", cell => Quantities.Number(cell.Optimized), Class: "number"),
                new("Change", cell => Tinted(cell, Signed(cell.Optimized - cell.Original), share: 1), Class: "number"))),
        ];
    }

    private static object Cell(ConfusionCount? cell, ClassResult label)
    {
        if (cell is null || (cell.Original == 0 && cell.Optimized == 0))
        {
            return new XElement("span", new XAttribute("class", "nothing"), "·");
        }

        int change = cell.Optimized - cell.Original;
        return change == 0 ? Quantities.Number(cell.Optimized)
            : new XElement("span", $"{Quantities.Number(cell.Optimized)} ", Tinted(cell, Signed(change), Math.Abs(change) / (double)Math.Max(1, label.Samples)));
    }

    private static XElement Tinted(ConfusionCount cell, string text, double share)
    {
        bool isBetter = cell.Label == cell.Answer == cell.Optimized > cell.Original;
        return new XElement("span", new XAttribute("class", $"change {(isBetter ? "better" : "worse")}{(share >= Strong ? " much" : "")}"), text);
    }

    private static double Change(ClassResult entry) => (entry.RightOptimized - entry.RightOriginal) / (double)Math.Max(1, entry.Samples);

    private static string Share(int part, int whole) => whole == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{(double)part / whole:0.000}");

    private static string Percent(double share) => (100 * share).ToString("0.0;−0.0;0.0", CultureInfo.InvariantCulture) + " %";

    private static string Signed(int change) => change.ToString("+#,0;−#,0;0", CultureInfo.InvariantCulture);

    /// <summary>The first rows, and the others for those who ask.</summary>
    private static object?[] Parted<T>(string what, IEnumerable<T> rows, Func<IEnumerable<T>, XElement> table)
    {
        T[] others = [.. rows.Skip(MostRowsOpen)];
        return [table(rows.Take(MostRowsOpen)), others.Length == 0 ? null : new XElement("details", new XElement("summary", $"Show {others.Length} more {what}"), table(others))];
    }
}
