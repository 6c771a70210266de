using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// x·W → DynamicQuantizeLinear(x), MatMulInteger, Cast, Mul(scale of x · scale of W): matrix products with constant weights in
/// integers, with the range of x measured at each run, so that no calibration samples are needed. Weights are signed, with a scale for each column.
/// LSTMs are rewritten by <see cref="DynamicLstm"/>, tables of embeddings beside them by <see cref="QuantizedEmbedding"/>. Branches and loop bodies are entered; each layer is taken where it pays (<see cref="DynamicCosts"/>).
/// </summary>
/// <remarks>
/// The four operators stand exactly as ONNX Runtime fuses them, with a bias behind, into DynamicQuantizeMatMul or MatMulIntegerToFloat
/// (dynamic_quantize_matmul_fusion.cc, matmul_integer_to_float.cc). Convolutions are never touched: ConvInteger has no such
/// fusion, and ran 6 to 12 times slower than float.
/// </remarks>
public sealed class DynamicQuantization : IModelPass
{
    /// <summary>The first operator set with DynamicQuantizeLinear.</summary>
    private const long FirstOpset = 11;

    public string Name => "dynamic int8 quantization";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Refusal(model, context.Target) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        List<PlannedLayer> inFloat = [];
        Graph[] graphs = [.. model.Graph.WithSubgraphs()];
        Dictionary<Value, TensorType> types = ShapeInference.Infer(model.Graph);
        Layer[] products = [.. graphs.SelectMany(graph => Products(graph, types, inFloat))];
        Node[] recurrences = [.. graphs.SelectMany(graph => DynamicLstm.Choose(graph, inFloat))];
        QuantizationPlan plan = PlanRecord.OfDynamic(
            [.. products.Select(layer => (layer.Node, IntegerInsertion.WeightBits(layer, context.Target))), .. recurrences.Select(node => (node, context.Target.WeightBits))], inFloat);
        string[] refusals = [.. inFloat.Select(layer => layer.Explanation)];
        if (products.Length + recurrences.Length == 0)
        {
            return PassOutcome.Refused($"No matrix product or LSTM computes in integers: {plan.ReasonsForFloat}.", refusals) with { Plan = plan };
        }

        OpsetUpgrade.Apply(model, FirstOpset);
        Dictionary<(Value, Graph), Node> quantizedInputs = [];
        Dictionary<(Value Weight, Graph Graph, int ChannelAxis, float Alpha), StoredWeight> stored = [];
        foreach (Layer layer in products)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            Rewrite(layer, IntegerInsertion.WeightBits(layer, context.Target), quantizedInputs, stored);
        }

        foreach (Node node in recurrences)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            DynamicLstm.Rewrite(node, context.Target);
        }

        Node[] embeddings = [.. graphs.SelectMany(graph => graph.Nodes).Where(QuantizedEmbedding.IsEmbedding)];
        foreach (Node node in embeddings)
        {
            QuantizedEmbedding.Rewrite(node);
        }

        model.Graph.RemoveUnused();
        string layers = string.Join(" and ", new[] { (products.Length, "matrix products"), (recurrences.Length, "LSTMs") }.Where(part => part.Item1 > 0).Select(part => $"{part.Item1} {part.Item2}"));
        string tables = embeddings.Length > 0 ? $", {embeddings.Length} embeddings are stored in them" : "";
        return PassOutcome.Applied($"{layers} compute in integers, with ranges measured at each run{tables}.", refusals) with { Plan = plan };
    }

    private static string? Refusal(Model model, TargetProfile target) =>
        target.ExecutionProvider != TargetProfile.CpuProvider ? $"The target '{target}' has no kernels for dynamic quantization."
        : QuantizationPreconditions.Refusal(model) is { } precondition ? precondition
        : OpsetUpgrade.Refusal(model, FirstOpset) is { } old ? $"The model cannot be lifted to operator set {FirstOpset}, which has DynamicQuantizeLinear: {old}."
        : null;

    private static IEnumerable<Layer> Products(Graph graph, Dictionary<Value, TensorType> types, List<PlannedLayer> inFloat)
    {
        foreach (Node node in graph.TopologicalOrder().Where(node => node is { OpType: "MatMul" or "Gemm" or "Conv" or "ConvTranspose", Domain: "" }))
        {
            if (node.OpType is "Conv" or "ConvTranspose")
            {
                inFloat.Add(new PlannedLayer(LinearLayer.Describe(node), IsInteger: false, "convolutions with ranges measured at each run are several times slower"));
                continue;
            }

            Layer? layer = Layer.From(node, out string? reason);
            reason ??= DynamicCosts.RefusalOfProduct(layer!, types.GetValueOrDefault(node.Output));
            if (reason is not null)
            {
                inFloat.Add(new PlannedLayer(LinearLayer.Describe(node), IsInteger: false, reason));
            }
            else
            {
                yield return layer!;
            }
        }
    }

    /// <summary>A weight in integers, stored once for the products of a graph that share it.</summary>
    private sealed record StoredWeight(Value Codes, Value Scales, Value ZeroPoints);

    private static void Rewrite(
        Layer layer, int bits, Dictionary<(Value, Graph), Node> quantizedInputs, Dictionary<(Value Weight, Graph Graph, int ChannelAxis, float Alpha), StoredWeight> stored)
    {
        Node node = layer.Node;
        Graph graph = node.Graph;
        Value input = node.Inputs[0]!;
        string name = node.Name.Length > 0 ? node.Name : node.Output.Name;
        if (!quantizedInputs.TryGetValue((input, graph), out Node? quantize))
        {
            quantize = graph.AddNode("DynamicQuantizeLinear", [input], outputCount: 3, name: input.Name + "_quantize");
            quantizedInputs.Add((input, graph), quantize);
        }

        Layer canonical = layer.Canonical();
        (Value, Graph, int, float) key = (node.Inputs[1]!, graph, layer.ChannelAxis, node.OpType == "Gemm" ? node.GetFloat("alpha", 1) : 1);
        if (!stored.TryGetValue(key, out StoredWeight? weight))
        {
            QuantizedWeight quantized = QuantizedWeight.From(canonical.Weight, canonical.ChannelAxis, bits);
            string source = node.Inputs[1]!.Name;
            weight = new StoredWeight(
                graph.AddInitializer(source + "_quantized", quantized.Codes),
                graph.AddInitializer(source + "_scale", Tensor.Vector(quantized.Scales)),
                graph.AddInitializer(source + "_zero_point", Tensor.Vector(new sbyte[quantized.Scales.Length])));
            stored.Add(key, weight);
        }

        Value sums = graph.AddNode("MatMulInteger", [quantize.Outputs[0], weight.Codes, quantize.Outputs[2], weight.ZeroPoints], name: name + "_integer").Output;
        Value singles = graph.AddNode("Cast", [sums], name: name + "_cast").Set("to", (long)ElementType.Float).Output;
        Value scale = graph.AddNode("Mul", [quantize.Outputs[1], weight.Scales], name: name + "_scales").Output;
        Value result = graph.AddNode("Mul", [singles, scale], name: name + "_scaled").Output;
        if (canonical.Bias is { } bias)
        {
            result = graph.AddNode("Add", [result, graph.AddInitializer(node.Input(2)!.Name + "_vector", bias)], name: name + "_bias").Output;
        }

        node.Output.ReplaceWith(result);
        graph.Remove(node);
    }
}
