using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Binary weights, w ≈ α·sign(w) (XNOR-Net; Rastegari et al., 2016): the α that leaves the least Σ(w − α·sign(w))² is the mean of |w| over the
/// block. No kernel has 1-bit codes; the 2-bit one represents them exactly: around zero point 2, codes 1 and 3 are −1 and +1.
/// </summary>
/// <remarks>A second binary term for what is left (residual binarization) would need four levels, which plain 2-bit codes spread evenly.</remarks>
internal sealed class BinaryScaling : IBlockScaling
{
    /// <summary>The lowest-bit form in which the runtime computes.</summary>
    internal const int CarrierBits = 2;

    public string Name => "binary weights";

    /// <summary>The least squares scale for signs is the mean of |w|, weighted by importance.</summary>
    public BlockScale Fit(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format) =>
        ScaleSearch.LeastSquares(new BlockScale(BlockScale.Usable(Vector<float>.Zero), new Vector<float>(format.MiddleCode)), weights, importance, format);
}
