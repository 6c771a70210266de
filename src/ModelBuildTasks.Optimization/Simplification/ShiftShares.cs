using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// How many times a layer's own bias the shifts are, multiplied by its weights, that have moved into it from before: shifts that stand in a row count together,
/// whatever the bias has become of them meanwhile.
/// </summary>
public sealed class ShiftShares
{
    /// <summary>
    /// How many times the bias the shifts may be. Where x·s is −t, the layer alone gives its bias; with the shift inside, W·t is rounded there, in float32 by
    /// 20·2⁻²⁴ = 1.2e-6 of it, and some times that in a sum of hundreds of products, which 1e-5 has room for.
    /// </summary>
    private const double Heaviest = 20;

    private readonly Dictionary<Value, double> taken = [];

    /// <summary>Counts a shift to those of a layer; false, with nothing counted, when they would outweigh its bias.</summary>
    /// <param name="weight">The layer's weight, which it keeps whatever becomes of its node.</param>
    /// <param name="shift">The most that an output's weights make of the shift.</param>
    /// <param name="bias">The largest bias now, of which shifts taken before are a part.</param>
    internal bool TryTake(Value weight, double shift, double bias)
    {
        double before = taken.GetValueOrDefault(weight);
        // The bias now is at most 1 + before times the layer's own.
        double share = before + (shift > 0 ? shift * (1 + before) / bias : 0);
        if (!(share <= Heaviest))
        {
            return false;
        }

        taken[weight] = share;
        return true;
    }
}
