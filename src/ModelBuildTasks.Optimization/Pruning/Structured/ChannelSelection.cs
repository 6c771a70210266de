namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Chooses how many channels of which sets go: again and again the step that saves most modelled time for what it loses, until the share is reached. A step leaves a number
/// of channels that kernels like; where there are fewer, removing some would save nothing, and all stay.
/// </summary>
/// <param name="fewest">By the names of sets, how many channels each keeps; null for <see cref="Fewest"/> of what each has.</param>
internal sealed class ChannelSelection(DependencyGraph graph, IReadOnlyList<ChannelSet> sets, IReadOnlyList<RemovalOrder> orders, LatencyModel latency, IReadOnlyDictionary<string, int>? fewest = null)
{
    /// <summary>ONNX Runtime's blocked convolutions and its products of matrices work on 8 or 16 channels at once (MlasNchwcGetBlockSize: 8 with AVX2, 16 with AVX-512).</summary>
    internal const int Multiple = 8;

    /// <summary>Nanoseconds that a channel counts besides what the model of kernels sees: the elements that other operators need not touch.</summary>
    private const double TimeOfChannel = 1;

    /// <summary>A loss below this is the rounding of sums.</summary>
    private const double LeastLoss = 1e-9;

    /// <summary>
    /// Each set keeps this share of its channels, however little they seem to tell on the samples (as Torch-Pruning's max_pruning_ratio): losses of layers behind each other add up to more than what each was
    /// seen to lose alone.
    /// </summary>
    private const double LeastLeft = 0.25;

    private readonly int[] removed = new int[sets.Count];

    // How many a set may lose at most.
    private readonly int[] limits = [.. sets.Select(set => set.Classes.Length - (fewest is not null && fewest.TryGetValue(set.Name, out int kept) ? kept : Fewest(set)))];

    // What each step of a set saves; null where a step of another has changed that.
    private readonly (int Next, double Saved)[]?[] steps = new (int, double)[]?[sets.Count];

    /// <summary>How many of its channels a set keeps.</summary>
    internal static int Fewest(ChannelSet set) => (int)Math.Ceiling(LeastLeft * set.Classes.Length);

    /// <param name="count">Channels to remove; no more are, and fewer where no step fits.</param>
    internal HashSet<int> Take(int count, CancellationToken cancellation)
    {
        HashSet<int> gone = [];
        while (gone.Count < count)
        {
            cancellation.ThrowIfCancellationRequested();
            (int Set, int Next, double Merit) best = (-1, 0, 0);
            for (int set = 0; set < sets.Count; set++)
            {
                int now = removed[set];
                steps[set] ??= [.. Steps(set).Select(next => (next, Saving(set, next, gone)))];
                foreach ((int next, double saved) in steps[set]!.Where(step => gone.Count + step.Next - now <= count))
                {
                    double merit = saved / (orders[set].Losses[next] - orders[set].Losses[now] + LeastLoss);
                    best = merit > best.Merit ? (set, next, merit) : best;
                }
            }

            if (best.Set < 0)
            {
                break;
            }

            int[] added = orders[best.Set].Classes[removed[best.Set]..best.Next];
            if (Empties(gone, added))
            {
                limits[best.Set] = best.Next - 1;
                steps[best.Set] = null;
                continue;
            }

            gone.UnionWith(added);
            removed[best.Set] = best.Next;
            for (int set = 0; set < sets.Count; set++)
            {
                steps[set] = sets[set].Layers.Overlaps(sets[best.Set].Layers) ? null : steps[set];
            }
        }

        return gone;
    }

    /// <summary>Whether some tensor would have no channel left, as a part that a Split gives: the classes of a set have their places on the weights in common, not those on what is computed.</summary>
    private bool Empties(HashSet<int> gone, int[] added)
    {
        HashSet<int> all = [.. gone, .. added];
        return graph.Channels.Values.Any(channels => channels.Length > 0 && channels.All(channel => all.Contains(graph.Classes.Find(channel))));
    }

    private double Saving(int set, int next, HashSet<int> gone)
    {
        HashSet<int> added = [.. orders[set].Classes[removed[set]..next]];
        return latency.Saving(gone, added) + TimeOfChannel * added.Count;
    }

    /// <summary>The channels of a set that are removed; sets that lose none are left out.</summary>
    internal IEnumerable<(ChannelSet Set, int Removed)> Decisions => sets.Select((set, i) => (set, removed[i])).Where(decision => decision.Item2 > 0);

    /// <summary>How many may be gone after the next step, ascending.</summary>
    private IEnumerable<int> Steps(int set)
    {
        int count = sets[set].Classes.Length;
        int multiple = Math.Max(1, Multiple / sets[set].Width);
        return Enumerable.Range(removed[set] + 1, Math.Max(0, limits[set] - removed[set])).Where(next => (count - next) % multiple == 0);
    }
}
