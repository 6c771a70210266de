using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>
/// Resize of version 10 maps an output coordinate to output/scale. For the nearest pixel, ONNX Runtime rounds that down where a
/// dimension grows and up where it shrinks (upsamplebase.h, NearestMode::SIMPLE). Version 11 states both as attributes with
/// other defaults, and takes the scales as input 2.
/// </summary>
internal sealed class ResizeCoordinates() : OperatorConversion("Resize", 11)
{
    internal override string? Refusal(Node node) =>
        !TakesNearest(node) ? null
        : node.Input(1)?.Constant is not { ElementType: ElementType.Float } scales ? "its rounding depends on its scales, which are not constant"
        : Grows(scales) && Shrinks(scales) ? "it enlarges one dimension and reduces another, which it rounds in opposite ways"
        : null;

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        Value scales = node.Inputs[1]!;
        node.SetInput(2, scales);
        // Version 11 cannot leave the region of interest out, which these coordinates do not read.
        node.SetInput(1, node.Graph.AddInitializer($"{node.Output.Name}_roi", Tensor.Vector<float>()));
        node.Set("coordinate_transformation_mode", "asymmetric");
        if (TakesNearest(node))
        {
            // Scales that are not constant are those of a former Upsample, which only enlarges.
            node.Set("nearest_mode", scales.Constant is { } constant && Shrinks(constant) ? "ceil" : "floor");
        }
    }

    private static bool TakesNearest(Node node) => node.GetString("mode") is null or "nearest";

    private static bool Grows(Tensor scales) => scales.ToSingles().Any(scale => scale > 1);

    private static bool Shrinks(Tensor scales) => scales.ToSingles().Any(scale => scale < 1);
}
