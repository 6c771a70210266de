using System.Text.Json.Serialization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>What a model holds, as <c>modelbuild inspect</c> tells it.</summary>
/// <param name="File">The model's path.</param>
/// <param name="Bytes">Size of the file and of its external data.</param>
/// <param name="IrVersion">Version of the ONNX format.</param>
/// <param name="Opsets">The operator set of each domain.</param>
/// <param name="Producer">Empty where it is not stated.</param>
/// <param name="Metadata">What the model says of itself; of an artifact, also where it comes from (<see cref="Provenance"/>).</param>
/// <param name="Inputs">Name, type and shape of each.</param>
/// <param name="Outputs">Name, type and shape of each.</param>
/// <param name="Weights">Number of weights of each type, the most first.</param>
/// <param name="WeightTensors">Number of tensors that hold them.</param>
/// <param name="Operators">Number of nodes of each operator, the most first, in branches and bodies too.</param>
/// <param name="Result">The result file that the plan is from; null where the graph was read.</param>
/// <param name="Quantization">Null when nothing is quantized.</param>
/// <param name="TriedQuantization">Where nothing is quantized, the plan that was tried and not shipped, of the result file; null where there is none.</param>
internal sealed record ModelFacts(
    string File,
    long Bytes,
    long IrVersion,
    IReadOnlyDictionary<string, long> Opsets,
    string Producer,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs,
    IReadOnlyDictionary<string, long> Weights,
    int WeightTensors,
    IReadOnlyDictionary<string, int> Operators,
    string? Result,
    QuantizationDecisions? Quantization,
    QuantizationDecisions? TriedQuantization)
{
    internal static ModelFacts Of(SourceModel source, string? result, QuantizationDecisions? quantization, QuantizationDecisions? tried)
    {
        Model model = source.Stored;
        Graph[] graphs = [.. model.Graph.WithSubgraphs()];
        Tensor[] weights = [.. graphs.SelectMany(graph => graph.Initializers).Select(value => value.Initializer!)];
        return new ModelFacts(
            source.Path,
            source.Bytes,
            model.IrVersion,
            model.OpsetImports.ToDictionary(import => import.Key.Length == 0 ? "ai.onnx" : import.Key, import => import.Value),
            model.ProducerName,
            model.Metadata.ToDictionary(),
            [.. source.Session.Inputs.Select(input => input.ToString())],
            [.. source.Session.Outputs.Select(output => output.ToString())],
            weights.GroupBy(weight => weight.ElementType, weight => weight.Length).OrderByDescending(type => type.Sum()).ToDictionary(type => type.Key.ToString(), type => type.Sum()),
            weights.Length,
            graphs.SelectMany(graph => graph.Nodes).CountBy(Name).OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary(),
            result,
            quantization,
            tried);
    }

    private static string Name(Node node) => node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}";
}

[JsonSerializable(typeof(ModelFacts))]
[JsonSourceGenerationOptions(WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class ModelFactsJson : JsonSerializerContext;
