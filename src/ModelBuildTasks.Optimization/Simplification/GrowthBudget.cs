namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Bytes by which rules that store new constants may grow the file in one round: what all rules have saved so far, and a small
/// advance, since a constant mostly uncovers more than it costs. Whether the file is no larger in the end,
/// <see cref="GraphSimplification"/> sees to.
/// </summary>
/// <param name="saved">Bytes by which the file is smaller than it was; negative where it is larger.</param>
public sealed class GrowthBudget(long saved)
{
    /// <summary>A few shapes, axes and scales; too little to be worth more than a node.</summary>
    private const long Advance = 1024;

    private long left = saved + Advance;

    /// <summary>For rewrites that are asked for whatever they add.</summary>
    internal static GrowthBudget Unlimited => new(long.MaxValue / 2);

    /// <summary>Takes what a rewrite would add to the file from the budget; false, with nothing taken, when that is too much.</summary>
    public bool TrySpend(long bytes)
    {
        if (bytes > 0 && bytes > left)
        {
            return false;
        }

        left -= Math.Max(bytes, 0);
        return true;
    }
}
