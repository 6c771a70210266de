namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Channels that have to stay or go together, as disjoint sets (Tarjan, "Efficiency of a Good But Not Linear Set Union Algorithm", 1975). A class with a reason
/// has to stay.
/// </summary>
internal sealed class ChannelClasses
{
    private readonly List<int> parents = [];
    private readonly Dictionary<int, string> reasons = [];

    /// <summary>Channels that belong to no other yet.</summary>
    internal int[] Add(int count)
    {
        int[] added = [.. Enumerable.Range(parents.Count, count)];
        parents.AddRange(added);
        return added;
    }

    /// <summary>The channel that stands for the class of <paramref name="channel"/>: its first, whatever the order of joining.</summary>
    internal int Find(int channel)
    {
        while (parents[channel] != channel)
        {
            channel = parents[channel] = parents[parents[channel]];
        }

        return channel;
    }

    internal void Join(int first, int second)
    {
        (int kept, int joined) = (Math.Min(Find(first), Find(second)), Math.Max(Find(first), Find(second)));
        if (kept == joined)
        {
            return;
        }

        parents[joined] = kept;
        if (reasons.Remove(joined, out string? reason))
        {
            reasons.TryAdd(kept, reason);
        }
    }

    /// <summary>Keeps the class of a channel; the first reason is remembered.</summary>
    internal void Keep(int channel, string reason) => reasons.TryAdd(Find(channel), reason);

    /// <summary>Why a channel has to stay; null when it may go.</summary>
    internal string? ReasonToKeep(int channel) => reasons.GetValueOrDefault(Find(channel));
}
