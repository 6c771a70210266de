using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>A MatMul or Gemm with constant weights that a MatMulNBits can stand for.</summary>
/// <param name="Node">The operator.</param>
/// <param name="Weight">Its weights, read as [inputs, outputs].</param>
/// <param name="Bias">One number an output, [N]; null when there is none.</param>
internal sealed record WeightOnlyLayer(Node Node, WeightMatrix Weight, Tensor? Bias)
{
    /// <summary>The operators of ONNX Runtime's own.</summary>
    internal const string Domain = "com.microsoft";

    /// <summary>Products of activations are computed in 8-bit integers: the only form that the 8-bit kernel has (mlas, qnbitgemm.cpp).</summary>
    private const long IntegerActivations = 4;

    /// <summary>Inputs of MatMulNBits; the fifth, g_idx, is deprecated.</summary>
    private const int BiasInput = 5;

    internal Value Input => Node.Inputs[0]!;

    internal Value Stored => Node.Inputs[1]!;

    /// <summary>What the packed form depends on: layers with the same can share it.</summary>
    internal (Value, bool, float) Key => (Stored, Weight.IsTransposed, Weight.Factor);

    /// <summary>Sees a node as such a layer; null with the reason where MatMulNBits does not fit, or would not be smaller.</summary>
    internal static WeightOnlyLayer? From(Node node, BlockFormat format, out string? reason)
    {
        if (Layer.From(node, out reason) is not { } layer)
        {
            return null;
        }

        bool isTransposed = layer.ChannelAxis == 0;
        bool isGemm = node.OpType == "Gemm";
        WeightMatrix weight = new(layer.Weight, isTransposed, isGemm ? node.GetFloat("alpha", 1) : 1);
        if (node.Inputs[0]!.Type?.Shape is { Count: 1 })
        {
            reason = "its input is one vector, which the kernel for packed weights does not take";
        }
        else if (format.For(weight.Inputs).Bytes(weight.Inputs, weight.Outputs) >= layer.Weight.Data.Length)
        {
            reason = $"packed in blocks, its {layer.Weight.Length} weights would not be smaller";
        }

        float beta = isGemm ? node.GetFloat("beta", 1) : 1;
        Tensor? bias = layer.Bias is null || beta == 1 ? layer.Bias : Tensor.Vector(Array.ConvertAll(layer.Bias.ToSingles(), b => beta * b));
        return reason is null ? new WeightOnlyLayer(node, weight, bias) : null;
    }

    /// <summary>Puts MatMulNBits (com.microsoft, version 1) in the node's place.</summary>
    internal void Rewrite(PackedValues packed)
    {
        Graph graph = Node.Graph;
        string name = Node.Name.Length > 0 ? Node.Name : Node.Output.Name;
        Node product = graph.AddNode("MatMulNBits", [Input, packed.Codes, packed.Scales, packed.ZeroPoints], name: name + "_packed", domain: Domain)
            .Set("K", (long)Weight.Inputs)
            .Set("N", (long)Weight.Outputs)
            .Set("bits", (long)packed.Format.Bits)
            .Set("block_size", (long)packed.Format.BlockSize);
        if (packed.Format.Bits >= 4)
        {
            product.Set("accuracy_level", IntegerActivations);
        }

        if (Bias is not null)
        {
            product.SetInput(BiasInput, Node.Inputs[2]!.Constant == Bias ? Node.Inputs[2] : graph.AddInitializer(Node.Inputs[2]!.Name + "_vector", Bias));
        }

        Node.Output.ReplaceWith(product.Output);
        graph.Remove(Node);
    }
}

/// <summary>A packed weight in the graph, where several operators may read it.</summary>
internal sealed record PackedValues(BlockFormat Format, Value Codes, Value Scales, Value? ZeroPoints)
{
    /// <summary>Stores a packed weight beside the float one.</summary>
    internal static PackedValues Add(Value stored, BlockedWeight weight) => new(
        weight.Format,
        stored.Graph.AddInitializer(stored.Name + "_packed", weight.Codes),
        stored.Graph.AddInitializer(stored.Name + "_scales", weight.Scales),
        weight.ZeroPoints is { } zeroPoints ? stored.Graph.AddInitializer(stored.Name + "_zero_points", zeroPoints) : null);
}
