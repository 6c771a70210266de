using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>A layer whose weights and bias can be fitted to what its counterpart in the original model gives.</summary>
internal sealed class RefittedLayer
{
    private readonly Layer layer;

    /// <summary>The Add of a constant vector behind a MatMul, which is its bias; null where there is none.</summary>
    private readonly Node? addition;

    private RefittedLayer(Layer layer, Node? addition, Value target, int[]? keptChannels)
    {
        this.layer = layer;
        this.addition = addition;
        Target = target;
        Kept = keptChannels ?? [.. Enumerable.Range(0, layer.OutputChannels)];
        HasBias = layer.Bias is not null || addition is not null;
        Weights = Rows();
    }

    /// <summary>The Conv, Gemm or MatMul.</summary>
    internal Node Node => layer.Node;

    /// <summary>The layer in the form in which <see cref="LeastSquares.LayerRows"/> reads it.</summary>
    internal Layer Canonical => layer;

    /// <summary>The constant that holds the weights.</summary>
    internal Value WeightValue => Node.Inputs[1]!;

    /// <summary>What the layer reads.</summary>
    internal Value Read => Node.Inputs[0]!;

    /// <summary>What it should give: a value of the original model.</summary>
    internal Value Target { get; }

    /// <summary>The channels of <see cref="Target"/> that the layer still computes, in order.</summary>
    internal int[] Kept { get; }

    internal string Name => Node.Name.Length > 0 ? Node.Name : WeightValue.Name;

    internal bool HasBias { get; }

    internal int Inputs => layer.Inputs;

    internal int Outputs => layer.OutputChannels;

    internal int Groups => Node.OpType == "Conv" ? (int)Node.GetInt("group", 1) : 1;

    /// <summary>[outputs, 1 + inputs]: the bias, 0 where there is none, and the weights of each output, those of a Conv in the order channel, tap.</summary>
    internal float[] Weights { get; private set; }

    /// <summary>Pairs the layers of a model with those of the model that it was made from, in the order of the graph.</summary>
    /// <param name="keptChannels">By a layer's result: which channels of the original's are left, where it is not all.</param>
    /// <param name="excluded">Layers to leave out.</param>
    /// <param name="skipped">Gets a reason for each layer that is left out.</param>
    internal static List<RefittedLayer> Find(Model original, Model pruned, IReadOnlyDictionary<string, int[]>? keptChannels, ExcludedLayers excluded, ICollection<string> skipped)
    {
        List<RefittedLayer> found = [];
        foreach (Node node in pruned.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()).Where(QuantizableOperators.IsLayer))
        {
            string? reason = node.Graph != pruned.Graph ? "it stands in a branch or a loop, whose values not every sample computes" : null;
            Layer? layer = reason is null ? Layer.From(node, out reason) : null;
            reason ??= node.Inputs[0]!.Initializer is not null ? "its input is a default that callers may replace"
                : node.Inputs[1]!.Uses.Count > 1 ? "other operators share its weights"
                : node.GetFloat("alpha", 1) == 0 || (layer!.Bias is not null && node.GetFloat("beta", 1) == 0) ? "it is multiplied by zero"
                : null;
            reason ??= excluded.Contains(node) ? "the project excludes it" : null;
            Node? addition = reason is null && node.OpType == "MatMul" ? AdditionOf(node, layer!.OutputChannels) : null;
            Value? target = original.Graph.Find((addition ?? node).Output.Name);
            reason ??= target?.Producer is null ? "the original model has no such layer" : null;
            if (reason is not null)
            {
                skipped.Add($"'{(node.Name.Length > 0 ? node.Name : node.Output.Name)}' keeps its weights: {reason}.");
                continue;
            }

            found.Add(new RefittedLayer(layer!.Canonical(), addition, target!, keptChannels?.GetValueOrDefault(node.Output.Name)));
        }

        return found;
    }

    /// <summary>Puts fitted weights into the model.</summary>
    /// <param name="rows">As <see cref="Weights"/>.</param>
    internal void Store(float[] rows)
    {
        Weights = rows;
        int width = 1 + Inputs;
        bool isOutputMajor = Node.OpType == "Conv" || Node.GetInt("transB", 0) != 0;
        float[] weights = new float[Outputs * Inputs];
        float[] biases = new float[Outputs];
        for (int output = 0; output < Outputs; output++)
        {
            biases[output] = rows[output * width];
            for (int input = 0; input < Inputs; input++)
            {
                weights[isOutputMajor ? output * Inputs + input : input * Outputs + output] = rows[output * width + 1 + input];
            }
        }

        StoredConstant.Replace(WeightValue, Tensor.Create([.. WeightValue.Constant!.Dimensions], weights));
        // Rows hold what alpha and beta make of the constants of a Gemm.
        Node.Unset("alpha");
        Node.Unset("beta");
        if (HasBias)
        {
            Node reader = addition ?? Node;
            int index = addition is null ? 2 : BiasIndex(addition);
            reader.SetInput(index, Node.Graph.AddInitializer(reader.Input(index)!.Name, Tensor.Vector(biases)));
        }
    }

    private float[] Rows()
    {
        int width = 1 + Inputs;
        float[] weights = layer.Weight.ToSingles();
        float[]? biases = addition is null ? layer.Bias?.ToSingles() : addition.Input(BiasIndex(addition))!.Constant!.ToSingles();
        float[] rows = new float[Outputs * width];
        for (int output = 0; output < Outputs; output++)
        {
            rows[output * width] = biases?[output] ?? 0;
            for (int input = 0; input < Inputs; input++)
            {
                rows[output * width + 1 + input] = weights[layer.ChannelAxis == 0 ? output * Inputs + input : input * Outputs + output];
            }
        }

        return rows;
    }

    private static Node? AdditionOf(Node product, int outputs) =>
        !product.Output.IsOutput && product.Output.Uses is [{ Node: { OpType: "Add", Domain: "" } add }]
        && add.Input(BiasIndex(add))?.Constant is { ElementType: ElementType.Float, Dimensions.Count: 1 } bias && bias.Length == outputs
            ? add
            : null;

    private static int BiasIndex(Node addition) => addition.Input(1)?.Constant is not null ? 1 : 0;
}
