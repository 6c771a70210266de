using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// x·W → DynamicQuantizeLinear(x), MatMulInteger, Cast, Mul(scale of x · scale of W): matrix products with constant weights in
/// integers, with the range of x measured at each run, so that no calibration samples are needed. Weights are signed, with a scale for each column.
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

    /// <summary>
    /// The share of multiply–accumulates in products from which on the model counts as made of them. Below, most of the time is spent
    /// where this technique does nothing.
    /// </summary>
    private const double LeastShare = 0.5;

    /// <summary>Smaller products cost less than measuring the range of their input.</summary>
    private const long SmallestWeight = 64 * 64;

    public string Name => "dynamic int8 quantization";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Refusal(model, context.Target) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        List<string> refusals = [];
        Layer[] layers = [.. Layers(model.Graph, refusals)];
        if (layers.Length == 0)
        {
            return PassOutcome.Refused("No matrix product gains from dynamic quantization.", refusals);
        }

        OpsetUpgrade.Apply(model, FirstOpset);
        Dictionary<Value, Node> quantizedInputs = [];
        foreach (Layer layer in layers)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            Rewrite(layer, context.Target.WeightBits, quantizedInputs);
        }

        model.Graph.RemoveUnused();
        return PassOutcome.Applied($"{layers.Length} matrix products compute in integers, with ranges measured at each run.", refusals);
    }

    private static string? Refusal(Model model, TargetProfile target)
    {
        if (target.ExecutionProvider != TargetProfile.CpuProvider)
        {
            return $"The target '{target}' has no kernels for dynamic quantization.";
        }

        if (QuantizationPreconditions.Refusal(model) is { } precondition)
        {
            return precondition;
        }

        double share = MultiplicationShare.Of(model.Graph).OfProducts;
        return share < LeastShare
            ? $"Matrix products with constant weights do {share:P0} of the model's multiplications; dynamic quantization pays from {LeastShare:P0} on, and it never touches convolutions or recurrences."
            : OpsetUpgrade.Refusal(model, FirstOpset) is { } old ? $"The model cannot be lifted to operator set {FirstOpset}, which has DynamicQuantizeLinear: {old}." : null;
    }

    private static IEnumerable<Layer> Layers(Graph graph, List<string> refusals)
    {
        foreach (Node node in graph.TopologicalOrder().Where(node => node is { OpType: "MatMul" or "Gemm", Domain: "" }))
        {
            Layer? layer = Layer.From(node, out string? reason);
            if (layer?.Weight.Length < SmallestWeight)
            {
                reason = $"{layer.Weight.Length} weights are fewer than {SmallestWeight}, from where on integers pay";
            }

            if (layer is null || reason is not null)
            {
                refusals.Add($"{LinearLayer.Describe(node)} stays in float: {reason}.");
            }
            else
            {
                yield return layer;
            }
        }
    }

    private static void Rewrite(Layer layer, int bits, Dictionary<Value, Node> quantizedInputs)
    {
        Node node = layer.Node;
        Graph graph = node.Graph;
        Value input = node.Inputs[0]!;
        string name = node.Name.Length > 0 ? node.Name : node.Output.Name;
        if (!quantizedInputs.TryGetValue(input, out Node? quantize))
        {
            quantize = graph.AddNode("DynamicQuantizeLinear", [input], outputCount: 3, name: input.Name + "_quantize");
            quantizedInputs.Add(input, quantize);
        }

        Layer canonical = layer.Canonical();
        QuantizedWeight weight = QuantizedWeight.From(canonical.Weight, canonical.ChannelAxis, bits);
        string stored = node.Inputs[1]!.Name;
        Value codes = graph.AddInitializer(stored + "_quantized", weight.Codes);
        Value scales = graph.AddInitializer(stored + "_scale", Tensor.Vector(weight.Scales));
        Value zeroPoints = graph.AddInitializer(stored + "_zero_point", Tensor.Vector(new sbyte[weight.Scales.Length]));

        Value sums = graph.AddNode("MatMulInteger", [quantize.Outputs[0], codes, quantize.Outputs[2], zeroPoints], name: name + "_integer").Output;
        Value singles = graph.AddNode("Cast", [sums], name: name + "_cast").Set("to", (long)ElementType.Float).Output;
        Value scale = graph.AddNode("Mul", [quantize.Outputs[1], scales], name: name + "_scales").Output;
        Value result = graph.AddNode("Mul", [singles, scale], name: name + "_scaled").Output;
        if (canonical.Bias is { } bias)
        {
            result = graph.AddNode("Add", [result, graph.AddInitializer(node.Input(2)!.Name + "_vector", bias)], name: name + "_bias").Output;
        }

        node.Output.ReplaceWith(result);
        graph.Remove(node);
    }
}
