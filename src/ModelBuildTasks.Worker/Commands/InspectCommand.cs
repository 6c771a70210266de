using System.CommandLine;
using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>
/// <c>modelbuild inspect</c>: what a model holds, and the plan of its quantization: from the result file of the build that made it, else as far as the graph
/// tells it, which works for models of other tools too.
/// </summary>
internal static class InspectCommand
{
    /// <summary>Characters of one entry that are shown; <c>--json</c> has it whole.</summary>
    private const int MostMetadata = 300;

    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = ArtifactFile.Help };
        Option<bool> json = new("--json") { Description = "Print all of it as JSON." };
        Command command = new("inspect", "Show a model's inputs, outputs, operators and weights, and how it is quantized.") { model, json };
        command.SetAction(parsed => ArtifactFile.Run(parsed.GetRequiredValue(model).FullName, artifact => Show(artifact, parsed.GetValue(json))));
        return command;
    }

    private static int Show(ArtifactFile artifact, bool asJson)
    {
        using SourceModel source = SourceModel.Load(artifact.ModelPath);
        OptimizationResult? result = artifact.ReadResult("the plan is read from the graph instead");
        QuantizationDecisions? plan = result?.Quantization ?? (WrittenQuantization.Read(source.Model) is { } written ? PlanContract.Of(written) : null);
        bool isRecorded = (result?.Quantization ?? result?.TriedQuantization) is not null;
        ModelFacts facts = ModelFacts.Of(source, isRecorded ? artifact.ResultPath : null, plan, result?.TriedQuantization) with { File = artifact.Path };
        if (asJson)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(facts, ModelFactsJson.Default.ModelFacts));
        }
        else
        {
            Print(facts);
        }

        return ModelCommand.Succeeded;
    }

    private static void Print(ModelFacts facts)
    {
        Grid grid = new Grid().AddColumn().AddColumn();
        Fact("File", facts.File);
        Fact("Size", Quantities.Size(facts.Bytes));
        Fact("Format", $"IR {facts.IrVersion}, {string.Join(", ", facts.Opsets.Select(opset => $"{opset.Key} {opset.Value}"))}");
        Fact("Producer", facts.Producer.Length == 0 ? "not stated" : facts.Producer);
        foreach ((string key, string value) in facts.Metadata)
        {
            Fact("Metadata", OnOneLine($"{key}: {value}"));
        }

        Fact("Weights", FormattableString.Invariant($"{facts.Weights.Values.Sum():N0} in {facts.WeightTensors:N0} tensors"));
        foreach ((string type, long count) in facts.Weights)
        {
            Fact("", FormattableString.Invariant($"{type}: {count:N0}"));
        }

        foreach (string input in facts.Inputs)
        {
            Fact("Input", input);
        }

        foreach (string output in facts.Outputs)
        {
            Fact("Output", output);
        }

        AnsiConsole.Write(grid);
        Table operators = new Table().Border(TableBorder.Simple).AddColumn("Operator").AddColumn(new TableColumn("Nodes").RightAligned());
        foreach ((string operation, int count) in facts.Operators)
        {
            operators.AddRow(Markup.Escape(operation), $"{count}");
        }

        AnsiConsole.Write(operators);
        if (facts.Quantization is { } plan)
        {
            AnsiConsole.MarkupLineInterpolated($"Quantization, {(facts is { Result: { } result, TriedQuantization: null } ? $"from {result}" : "as far as the graph tells it")}");
            PlanTables.Print(plan);
        }

        if (facts.TriedQuantization is { } tried)
        {
            AnsiConsole.MarkupLineInterpolated($"Quantization that was tried and not shipped, from {facts.Result}");
            PlanTables.Print(tried);
        }

        void Fact(string name, string value) => grid.AddRow(Markup.Escape(name), Markup.Escape(value));
    }

    /// <summary>A model may say anything of itself: whole files, and what would steer the terminal.</summary>
    private static string OnOneLine(string text)
    {
        string shown = text.Length <= MostMetadata ? text : $"{text[..MostMetadata]}…";
        return string.Concat(shown.Select(letter => char.IsControl(letter) ? ' ' : letter));
    }
}
