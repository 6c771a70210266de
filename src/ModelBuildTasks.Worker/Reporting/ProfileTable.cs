using System.Globalization;
using ModelBuildTasks.Contracts;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>The slowest operators on the console.</summary>
internal static class ProfileTable
{
    internal static void Print(OperatorProfile? profile)
    {
        Print("Slowest operators before", profile?.Original ?? []);
        Print(profile?.Original.Count > 0 ? "Slowest operators after" : "Slowest operators", profile?.Optimized ?? []);
    }

    private static void Print(string title, IReadOnlyList<OperatorTime> operators)
    {
        if (operators.Count == 0)
        {
            return;
        }

        AnsiConsole.MarkupLineInterpolated($"{title}, by their share of the time of all");
        Table table = new Table().Border(TableBorder.Simple)
            .AddColumn("Operator")
            .AddColumn("Node")
            .AddColumn(new TableColumn("Time").RightAligned())
            .AddColumn(new TableColumn("Share").RightAligned());
        foreach (OperatorTime time in operators)
        {
            table.AddRow(Markup.Escape(time.OpType), Markup.Escape(time.Name), Quantities.Milliseconds(time.Milliseconds), string.Create(CultureInfo.InvariantCulture, $"{100 * time.Share:0.0} %"));
        }

        AnsiConsole.Write(table);
    }
}
