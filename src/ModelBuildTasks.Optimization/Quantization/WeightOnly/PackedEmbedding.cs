using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// A Gather of rows of a constant table, for which GatherBlockQuantized (com.microsoft, version 1) can stand. It reads the layout of MatMulNBits without
/// its padding: an output projection that shares the table shares the packed one, too.
/// </summary>
internal sealed record PackedEmbedding(Node Node, WeightMatrix Weight, Use Read) : PackedReader(Node, Weight, Read)
{
    /// <summary>Nothing makes up for the errors of a table's rows, so that they are not given fewer bits.</summary>
    private const int FewestBits = 4;

    /// <summary>Sees a node as such a table; null with the reason where GatherBlockQuantized does not fit.</summary>
    internal static PackedEmbedding? From(Node node, BlockFormat format, out string? reason)
    {
        reason = null;
        if (node.Input(0)?.Constant is not { ElementType: ElementType.Float, Dimensions.Count: 2, Length: > 0 } table || node.GetInt("axis", 0) != 0)
        {
            return null;
        }

        if (!TensorPrimitives.IsFiniteAll(table.Span<float>()))
        {
            reason = "it holds numbers that are not finite";
        }
        else if (table.Dimensions[1] % Format(format).For((int)table.Dimensions[1]).BlockSize != 0)
        {
            reason = $"its rows of {table.Dimensions[1]} are no whole number of blocks";
        }

        return reason is null ? new PackedEmbedding(node, new WeightMatrix(table, IsTransposed: true), new Use(node, 0)) : null;
    }

    /// <summary>The form for a table, and for products that share it.</summary>
    internal static BlockFormat Format(BlockFormat asked) => asked.Bits >= FewestBits ? asked : new BlockFormat(FewestBits, asked.BlockSize, IsSymmetric: false);

    internal override void Rewrite(PackedValues packed)
    {
        Graph graph = Node.Graph;
        BlockFormat format = packed.Weight.Format;
        long[] rows = [Weight.Outputs, (long)packed.Weight.Blocks * format.BlockBytes];
        // The runtime folds this when it loads the model.
        Value codes = graph.Add("Reshape", packed.Codes, graph.AddInitializer(Name + "_rows", Tensor.Vector(rows)));
        ReplaceBy(graph.AddNode("GatherBlockQuantized", [codes, Node.Inputs[1], packed.Scales, packed.ZeroPoints], name: Name + "_packed", domain: TargetProfile.ContributedDomain)
            .Set("bits", (long)format.Bits)
            .Set("block_size", (long)format.BlockSize)
            .Set("gather_axis", 0L)
            .Set("quantize_axis", 1L));
    }
}
