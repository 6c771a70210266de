namespace MeterReader.Training.Drawing;

/// <summary>
/// The counter of a meter as a scene of brightness over the plane. Lengths are in window heights: y runs down from −0.5 to 0.5, x to the
/// right from 0, and cell <c>i</c> spans [i, i + 1]·<see cref="CellWidth"/>.
/// </summary>
internal abstract class MeterRow
{
    /// <summary>Width of a digit's cell: images of one digit are 24 × 32.</summary>
    public const float CellWidth = 0.75f;

    /// <summary>Width over which an edge goes from full to no coverage.</summary>
    private const float EdgeSoftness = 0.025f;

    /// <summary>Brightness of the scene in [0, 1], 0 black.</summary>
    public abstract float Brightness(float x, float y);

    protected static float Coverage(float distance) => Math.Clamp(0.5f - (distance / EdgeSoftness), 0, 1);

    protected static float Blend(float from, float to, float amount) => from + ((to - from) * amount);
}

internal enum MeterStyle
{
    Odometer,
    Segment,
    Printed,
}
