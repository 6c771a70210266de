using System.Globalization;
using ModelBuildTasks.Contracts;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>The plan of a quantization as tables: outputs, layers, tensors. Columns of which nothing is known are left out.</summary>
internal static class PlanTables
{
    internal static void Print(QuantizationDecisions plan)
    {
        foreach (QuantizedOutput output in plan.Outputs)
        {
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Output {output.Name}: {Decibels(output.SignalToNoise)} dB of signal to noise against the float model");
        }

        int integers = plan.Layers.Count(layer => layer.IsInteger);
        AnsiConsole.MarkupLineInterpolated($"{integers} of {plan.Layers.Count} layers compute in integers");
        bool hasNoise = plan.Layers.Any(layer => layer.SignalToNoise is not null);
        Print(
            plan.Layers,
            new("Layer", layer => layer.Name),
            new("Computes in", layer => layer.IsInteger ? "integers" : "float"),
            new("Weight bits", layer => layer.WeightBits is { } bits ? $"{bits}" : "", IsNumber: true),
            hasNoise ? new("Result, dB", layer => Decibels(layer.SignalToNoise), IsNumber: true) : null,
            plan.Layers.Any(layer => layer.Reason is not null) ? new("Why not in integers", layer => layer.Reason ?? "") : null);
        if (plan.Tensors.Count == 0)
        {
            return;
        }

        bool isMeasured = plan.Tensors.Any(tensor => tensor.SignalToNoise is not null);
        AnsiConsole.MarkupLineInterpolated($"{Quantities.Count(plan.Tensors.Count, "tensor is", "tensors are")} stored as integers with fixed ranges");
        Print(
            plan.Tensors,
            new("Tensor", tensor => tensor.Name),
            new("Lowest", tensor => Number(tensor.Lowest), IsNumber: true),
            new("Highest", tensor => Number(tensor.Highest), IsNumber: true),
            new("Scale", tensor => Number(tensor.Scale), IsNumber: true),
            new("Zero point", tensor => $"{tensor.ZeroPoint}", IsNumber: true),
            isMeasured ? new("Error", tensor => Number(tensor.Error), IsNumber: true) : null,
            isMeasured ? new("dB", tensor => Decibels(tensor.SignalToNoise), IsNumber: true) : null,
            new("Range", tensor => tensor.Method ?? ""));
    }

    private static void Print<T>(IEnumerable<T> rows, params Column<T>?[] columns)
    {
        Column<T>[] shown = [.. columns.OfType<Column<T>>()];
        Table table = new Table().Border(TableBorder.Simple);
        foreach (Column<T> column in shown)
        {
            table.AddColumn(column.IsNumber ? new TableColumn(column.Heading).RightAligned() : new TableColumn(column.Heading));
        }

        foreach (T row in rows)
        {
            table.AddRow([.. shown.Select(column => Markup.Escape(column.Text(row)))]);
        }

        AnsiConsole.Write(table);
    }

    private static string Decibels(double? ratio) => ratio switch
    {
        null => "",
        double.PositiveInfinity => "exact",
        { } decibels => decibels.ToString("0.0", CultureInfo.InvariantCulture),
    };

    private static string Number(double? number) => number?.ToString("G4", CultureInfo.InvariantCulture) ?? "";

    private sealed record Column<T>(string Heading, Func<T, string> Text, bool IsNumber = false);
}
