using System.CommandLine;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild inspect</c>: what a model holds.</summary>
internal static class InspectCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = "The ONNX model." };
        Command command = new("inspect", "Show a model's inputs, outputs, operators and weights.") { model };
        command.SetAction(parsed => ModelCommand.Run(parsed.GetRequiredValue(model).FullName, Show));
        return command;
    }

    private static int Show(string path)
    {
        using SourceModel source = SourceModel.Load(path);
        Model model = source.Model;
        IReadOnlyList<Graph> graphs = [.. model.Graph.WithSubgraphs()];
        IReadOnlyList<Tensor> weights = [.. graphs.SelectMany(graph => graph.Initializers).Select(value => value.Initializer!)];

        Grid facts = new Grid().AddColumn().AddColumn();
        Fact("File", path);
        Fact("Size", Quantities.Size(source.Bytes));
        Fact("Format", $"IR {model.IrVersion}, {string.Join(", ", model.OpsetImports.Select(import => $"{(import.Key.Length == 0 ? "ai.onnx" : import.Key)} {import.Value}"))}");
        Fact("Producer", model.ProducerName.Length == 0 ? "not stated" : model.ProducerName);
        Fact("Weights", $"{weights.Sum(weight => weight.Length):N0} in {weights.Count:N0} tensors");
        foreach (IGrouping<ElementType, Tensor> type in weights.GroupBy(weight => weight.ElementType).OrderByDescending(group => group.Sum(w => w.Length)))
        {
            Fact("", $"{type.Key}: {type.Sum(weight => weight.Length):N0}");
        }

        foreach (Inference.TensorSignature input in source.Session.Inputs)
        {
            Fact("Input", input.ToString());
        }

        foreach (Inference.TensorSignature output in source.Session.Outputs)
        {
            Fact("Output", output.ToString());
        }

        AnsiConsole.Write(facts);

        Table operators = new Table().Border(TableBorder.Simple).AddColumn("Operator").AddColumn(new TableColumn("Nodes").RightAligned());
        foreach (IGrouping<string, Node> operation in graphs.SelectMany(graph => graph.Nodes).GroupBy(Name).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal))
        {
            operators.AddRow(Markup.Escape(operation.Key), $"{operation.Count()}");
        }

        AnsiConsole.Write(operators);
        return ModelCommand.Succeeded;

        void Fact(string name, string value) => facts.AddRow(Markup.Escape(name), Markup.Escape(value));
    }

    private static string Name(Node node) => node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}";
}
