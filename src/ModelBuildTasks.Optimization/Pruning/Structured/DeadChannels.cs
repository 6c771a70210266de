using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Removes channels that change no output: those that nothing reads with a weight other than zero, and those that are one number whatever the model is fed
/// (<see cref="ConstantChannels"/>). Outputs stay what they were, but for the rounding of sums.
/// </summary>
/// <param name="excluded">Layers that keep the channels that they make.</param>
public sealed class DeadChannels(ExcludedLayers? excluded = null) : IModelPass
{
    public string Name => "dead channels";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        int moved = ConstantChannels.MoveIntoBiases(DependencyGraph.Of(model));
        DependencyGraph graph = DependencyGraph.Of(model);
        HashSet<int> dead = Unread(graph);
        if (excluded is not null)
        {
            dead.ExceptWith(ChannelSet.Of(graph).Where(set => set.Makers.Any(excluded.Contains)).SelectMany(set => set.Classes));
        }

        foreach (int[] channels in graph.Channels.Values.Where(channels => channels.Length > 0 && Array.TrueForAll(channels, channel => dead.Contains(graph.Classes.Find(channel)))))
        {
            // An axis must keep a channel, dead or not.
            dead.Remove(graph.Classes.Find(channels[0]));
        }

        if (dead.Count == 0)
        {
            return moved == 0 ? PassOutcome.Refused("No channel is dead.")
                : PassOutcome.Applied($"{moved} constant channels moved into biases; none could be removed.");
        }

        ChannelRemoval.Apply(graph, dead);
        return PassOutcome.Applied($"{dead.Count} dead channels removed.");
    }

    /// <summary>Classes that may go, and that all readers multiply by zero.</summary>
    private static HashSet<int> Unread(DependencyGraph graph)
    {
        HashSet<int> read = [];
        HashSet<int> contracted = [];
        foreach (ValueAxis axis in graph.Contractions.Select(contraction => contraction.Weight).Distinct())
        {
            HashSet<int> zeros = [.. ConstantChannels.ZeroSlices(axis.Value.Constant!, axis.Axis)];
            int[] channels = graph.Channels[axis];
            for (int i = 0; i < channels.Length; i++)
            {
                contracted.Add(graph.Classes.Find(channels[i]));
                if (!zeros.Contains(i))
                {
                    read.Add(graph.Classes.Find(channels[i]));
                }
            }
        }

        return [.. contracted.Where(channel => !read.Contains(channel) && graph.Classes.ReasonToKeep(channel) is null)];
    }
}
