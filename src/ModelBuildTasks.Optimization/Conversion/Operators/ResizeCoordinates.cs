using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>
/// Resize of version 10 maps an output coordinate to output/scale and rounds it down; version 11 states both as attributes
/// with other defaults, and takes the scales as input 2.
/// </summary>
internal sealed class ResizeCoordinates() : OperatorConversion("Resize", 11)
{
    internal override void Convert(Node node)
    {
        node.SetInput(2, node.Input(1));
        node.SetInput(1, null);
        node.Set("coordinate_transformation_mode", "asymmetric");
        if (node.GetString("mode") is null or "nearest")
        {
            node.Set("nearest_mode", "floor");
        }
    }
}
