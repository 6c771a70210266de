using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>A MatMul or Gemm with constant weights, for which MatMulNBits (com.microsoft, version 1) can stand.</summary>
/// <param name="Bias">One number an output, [N]; null when there is none.</param>
internal sealed record PackedProduct(Node Node, WeightMatrix Weight, Use Read, Tensor? Bias) : PackedReader(Node, Weight, Read)
{
    /// <summary>
    /// Activations become 8-bit integers block by block. Without it, weights of 8 and 2 bits have no kernel of their own and become floats at each run,
    /// ten times slower for one row (mlas, qnbitgemm.cpp).
    /// </summary>
    private const long IntegerActivations = 4;

    /// <summary>The last input of MatMulNBits; the one before, g_idx, is deprecated.</summary>
    private const int BiasInput = 5;

    internal Value Input => Node.Inputs[0]!;

    /// <summary>Sees a node as such a layer; null with the reason where MatMulNBits does not fit.</summary>
    internal static PackedProduct? From(Node node, out string? reason)
    {
        if (node.OpType == "MatMul" && TransposedConstant(node.Input(1)) is { } transpose)
        {
            reason = null;
            return new PackedProduct(node, new WeightMatrix(transpose.Inputs[0]!.Constant!, IsTransposed: true), new Use(transpose, 0), null);
        }

        if (Layer.From(node, out reason) is not { } layer)
        {
            return null;
        }

        bool isGemm = node.OpType == "Gemm";
        float beta = isGemm ? node.GetFloat("beta", 1) : 1;
        Tensor? bias = layer.Bias is null || beta == 1 ? layer.Bias : Tensor.Vector(Array.ConvertAll(layer.Bias.ToSingles(), b => beta * b));
        return new PackedProduct(node, new WeightMatrix(layer.Weight, layer.ChannelAxis == 0, isGemm ? node.GetFloat("alpha", 1) : 1), new Use(node, 1), bias);
    }

    internal override void Rewrite(PackedValues packed)
    {
        Graph graph = Node.Graph;
        Node product = graph.AddNode("MatMulNBits", [Input, packed.Codes, packed.Scales, packed.ZeroPoints], name: Name + "_packed", domain: TargetProfile.ContributedDomain)
            .Set("K", (long)Weight.Inputs)
            .Set("N", (long)Weight.Outputs)
            .Set("bits", (long)packed.Weight.Format.Bits)
            .Set("block_size", (long)packed.Weight.Format.BlockSize)
            .Set("accuracy_level", IntegerActivations);
        if (Bias is not null)
        {
            product.SetInput(BiasInput, Node.Inputs[2]!.Constant == Bias ? Node.Inputs[2] : graph.AddInitializer(Node.Inputs[2]!.Name + "_vector", Bias));
        }

        ReplaceBy(product);
    }

    /// <summary>The Transpose of a stored matrix, as exporters write an output projection that shares its weights with the embedding.</summary>
    private static Node? TransposedConstant(Value? weight) =>
        weight?.Producer is { OpType: "Transpose", Domain: "" } transpose && transpose.Input(0)?.Constant is { ElementType: ElementType.Float, Dimensions.Count: 2, Length: > 0 } stored
            && (transpose.GetInts("perm") is not { } order || order.SequenceEqual([1L, 0]))
            && System.Numerics.Tensors.TensorPrimitives.IsFiniteAll(stored.Span<float>())
            ? transpose : null;
}
