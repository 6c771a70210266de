using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Structured;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

/// <summary>Removes channels, and holds the result against the model with the weights that read these channels at zero.</summary>
internal static class MaskedChannels
{
    /// <summary>How far one order of summation may lie from another, in differences of two others.</summary>
    private const double MostRounding = 4;

    /// <summary>The classes that may go, in order.</summary>
    internal static int[] Removable(DependencyGraph graph) =>
        [.. graph.Channels.Values.SelectMany(channels => channels).Select(graph.Classes.Find).Distinct().Where(channel => graph.Classes.ReasonToKeep(channel) is null).Order()];

    /// <summary>A share of the classes that may go, drawn at random; every axis is left one channel.</summary>
    internal static HashSet<int> Draw(DependencyGraph graph, double share, int seed)
    {
        Random random = new(seed);
        HashSet<int> drawn = [.. Removable(graph).Where(_ => random.NextDouble() < share)];
        foreach (int[] channels in graph.Channels.Values)
        {
            if (Array.TrueForAll(channels, channel => drawn.Contains(graph.Classes.Find(channel))))
            {
                drawn.Remove(graph.Classes.Find(channels[0]));
            }
        }

        return drawn;
    }

    /// <summary>Removes the classes from the graph's model, which must then give what the masked one does.</summary>
    internal static void AssertExact(DependencyGraph graph, HashSet<int> classes, Func<ModelSession, IReadOnlyList<Tensor>> inputs, double tolerance = 1e-4)
    {
        Model reference = ChannelMask.Of(graph, classes);
        using ModelSession expected = ModelSession.Open(reference);
        ChannelRemoval.Apply(graph, classes);
        Assert.HasCount(reference.Validate().Count, graph.Model.Validate());
        using ModelSession unfused = ModelSession.Open(reference, new SessionSettings(Optimize: false));
        using ModelSession actual = ModelSession.Open(graph.Model);
        IReadOnlyList<Tensor> fed = inputs(expected);
        IReadOnlyList<Tensor> masked = expected.Run(fed);
        IReadOnlyList<Tensor> rounded = unfused.Run(fed);
        IReadOnlyList<Tensor> pruned = actual.Run(fed);
        for (int i = 0; i < masked.Count; i++)
        {
            // Networks with holes can be so ill-conditioned that the masked model differs from itself by the order of its sums.
            double rounding = RealModels.RelativeError(masked[i], rounded[i]);
            Assert.IsLessThanOrEqualTo(Math.Max(tolerance, MostRounding * rounding), RealModels.RelativeError(masked[i], pruned[i]), $"{expected.Outputs[i].Name}, rounding {rounding}");
        }
    }
}
