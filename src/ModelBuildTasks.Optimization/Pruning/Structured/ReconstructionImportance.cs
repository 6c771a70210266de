using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// The importance of channels by what the layers that read them lose on samples: the squared error of their results, as a share of the results' power, the mean over the layers, with what channels
/// have in common counted (He et al., "Channel Pruning for Accelerating Very Deep Neural Networks", 2017), and what the rest makes up for wherever <see cref="SecondOrderImportance"/> can tell.
/// </summary>
internal static class ReconstructionImportance
{
    /// <summary>One order for each set; sets without a plain layer that reads them go by magnitude.</summary>
    /// <exception cref="CalibrationException">A sample cannot be run.</exception>
    internal static List<RemovalOrder> Of(DependencyGraph graph, IReadOnlyList<ChannelSet> sets, Dataset samples, CancellationToken cancellation)
    {
        List<ContractionMoments> readers = [.. graph.Contractions.Where(contraction => IsFloat(graph, contraction)).Select(contraction => ContractionMoments.For(contraction, samples.Count)).OfType<ContractionMoments>()];
        int sample = 0;
        OrderedActivations.Run(graph.Model, [.. readers.Select(reader => reader.Input)], samples, activations =>
        {
            readers.ForEach(reader => reader.Add(activations, sample, cancellation));
            sample++;
        }, cancellation);

        return [.. sets.Select(set => OrderOf(graph, set, readers, cancellation))];
    }

    private static RemovalOrder OrderOf(DependencyGraph graph, ChannelSet set, List<ContractionMoments> readers, CancellationToken cancellation)
    {
        Dictionary<int, int> members = set.Classes.Select((channel, i) => (channel, i)).ToDictionary(entry => entry.channel, entry => entry.i);
        List<ContractionMoments> own = [.. readers.Where(reader => reader.Reads(graph, members))];
        if (own.Count == 0)
        {
            return MagnitudeImportance.Of(graph, set);
        }

        double[] interactions = new double[members.Count * members.Count];
        own.ForEach(reader => reader.AddTo(interactions, members, graph, cancellation));
        for (int i = 0; i < interactions.Length; i++)
        {
            interactions[i] /= own.Count;
        }

        return SecondOrderImportance.Of(graph, set, own, members, interactions, cancellation) ?? RemovalOrder.Of(set.Classes, interactions);
    }

    private static bool IsFloat(DependencyGraph graph, Contraction contraction) =>
        contraction.Input.Value.Graph == graph.Model.Graph && contraction.Weight.Value.Constant is { ElementType: ElementType.Float };
}
