namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>Removes the least salient weights of each block, so that exactly a share of all weights seen so far is gone.</summary>
/// <param name="share">0 to 1.</param>
internal sealed class ShareMask(double share)
{
    private long seen;
    private long gone;

    /// <inheritdoc cref="BlockMask"/>
    internal void Mark(ReadOnlySpan<float> saliency, Span<bool> removed)
    {
        seen += saliency.Length;
        int count = (int)((long)Math.Round(share * seen, MidpointRounding.AwayFromZero) - gone);
        gone += count;
        int[] positions = [.. Enumerable.Range(0, saliency.Length)];
        Array.Sort(saliency.ToArray(), positions);
        foreach (int position in positions.AsSpan(0, count))
        {
            removed[position] = true;
        }
    }
}
