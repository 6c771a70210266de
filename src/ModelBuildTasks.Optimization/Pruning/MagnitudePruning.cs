using System.Globalization;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>What a sparsity is a share of.</summary>
public enum PruningScope
{
    /// <summary>All prunable weights of the model: layers with small weights lose more.</summary>
    Global,

    /// <summary>The weights of each layer.</summary>
    Local,
}

/// <summary>
/// Sets the weights of smallest magnitude to zero (Han et al., "Learning both Weights and Connections for Efficient Neural
/// Networks", 2015): exactly the stated share, ties decided by position. Zeros without structure make no kernel of ONNX Runtime
/// faster; what shrinks is the compressed download.
/// </summary>
/// <param name="sparsity">Share of weights that are zero afterwards, 0 to 1; weights that were zero before count.</param>
/// <param name="scope">What it is a share of.</param>
/// <param name="excluded">Layers that keep their weights, and are no part of the share.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class MagnitudePruning(double sparsity, PruningScope scope = PruningScope.Global, ExcludedLayers? excluded = null) : IModelPass
{
    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "magnitude pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        List<string> skipped = [];
        List<PrunableWeights> layers = PrunableWeights.Find(model, excluded ?? ExcludedLayers.None, skipped);
        if (layers.Count == 0)
        {
            return PassOutcome.Refused("The model has no layer whose weights could be pruned.", skipped);
        }

        if (PrunableWeights.FirstWithNaN(layers) is { } broken)
        {
            return PassOutcome.Refused($"'{broken.Value.Name}' holds weights that are not a number.", skipped);
        }

        if (sparsity == 0)
        {
            return PassOutcome.Refused("A sparsity of 0 removes nothing.", skipped);
        }

        IEnumerable<List<PrunableWeights>> groups = scope == PruningScope.Global ? [layers] : layers.Select(layer => new List<PrunableWeights> { layer });
        foreach (List<PrunableWeights> group in groups)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            long total = group.Sum(layer => (long)layer.Elements.Length);
            ZeroSmallest(group, (long)Math.Round(sparsity * total, MidpointRounding.AwayFromZero));
        }

        if (layers.All(layer => layer.Elements.All(weight => weight != 0)))
        {
            return PassOutcome.Refused($"A sparsity of {sparsity.ToString(CultureInfo.InvariantCulture)} is less than one weight of {layers.Sum(layer => (long)layer.Elements.Length)}.", skipped);
        }

        layers.ForEach(layer => layer.Store());
        return PassOutcome.Applied(PrunableWeights.Describe([.. layers.Select(layer => (layer, layer.Elements.Count(w => w == 0)))]), skipped);
    }

    /// <summary>Zeroes <paramref name="count"/> weights: all below the magnitude of that rank, then those equal to it from the front.</summary>
    private static void ZeroSmallest(List<PrunableWeights> layers, long count)
    {
        if (count == 0)
        {
            return;
        }

        (uint threshold, long ties) = FindRank(layers, count);
        foreach (float[] weights in layers.Select(layer => layer.Elements))
        {
            for (int i = 0; i < weights.Length; i++)
            {
                uint magnitude = Magnitude(weights[i]);
                if (magnitude < threshold || (magnitude == threshold && ties-- > 0))
                {
                    weights[i] = 0;
                }
            }
        }
    }

    /// <summary>
    /// The magnitude of rank <paramref name="count"/>, and how many of those equal to it are within the rank: two counting passes
    /// over the halves of the 31 magnitude bits, so that hundreds of millions of weights need no sort.
    /// </summary>
    private static (uint Threshold, long Ties) FindRank(List<PrunableWeights> layers, long count)
    {
        long left = count;
        uint high = CountInto(layers, static (magnitude, _) => magnitude >> 16, 0, ref left);
        uint low = CountInto(layers, static (magnitude, upper) => magnitude >> 16 == upper ? magnitude & 0xFFFF : uint.MaxValue, high, ref left);
        return ((high << 16) | low, left);
    }

    /// <summary>The bucket that holds rank <paramref name="left"/>, which becomes the rank inside it.</summary>
    private static uint CountInto(List<PrunableWeights> layers, Func<uint, uint, uint> bucketOf, uint upper, ref long left)
    {
        long[] counts = new long[1 << 16];
        foreach (float weight in layers.SelectMany(layer => layer.Elements))
        {
            uint bucket = bucketOf(Magnitude(weight), upper);
            if (bucket != uint.MaxValue)
            {
                counts[bucket]++;
            }
        }

        uint found = 0;
        while (left > counts[found])
        {
            left -= counts[found++];
        }

        return found;
    }

    /// <summary>The bits without the sign, which order as the magnitudes do.</summary>
    private static uint Magnitude(float weight) => BitConverter.SingleToUInt32Bits(weight) & 0x7FFF_FFFF;
}
