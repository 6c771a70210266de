using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>
/// Estimates the statistics of a BatchNormalization again, where simplification could not fold it into a layer: with m and s² the mean and the variance of what a channel
/// reads on the samples, before pruning and (m̃, s̃²) after it, μ' = m̃ − (m − μ)·s̃/s and σ'² + ε = (σ² + ε)·s̃²/s². The result then has the mean and the variance that
/// it had.
/// </summary>
internal sealed class NormalizationRefit
{
    /// <summary>Differences of statistics below this share of the deviation are rounding.</summary>
    private const double SmallestChange = 1e-5;

    /// <summary>A channel whose variance is below this share of σ² + ε is constant: only its mean can be told.</summary>
    private const double SmallestVariance = 1e-8;

    private readonly Node node;
    private readonly Value target;
    private readonly int[]? kept;

    private NormalizationRefit(Node node, Value target, int[]? kept)
    {
        this.node = node;
        this.target = target;
        this.kept = kept;
    }

    /// <summary>The operator in the pruned model.</summary>
    internal Node Node => node;

    /// <summary>Pairs the BatchNormalizations of both models by the names of their results.</summary>
    /// <param name="keptChannels">By the name of a result: which channels of the original's are left, where it is not all.</param>
    internal static List<NormalizationRefit> Find(Model original, Model pruned, IReadOnlyDictionary<string, int[]>? keptChannels) =>
    [
        .. from node in pruned.Graph.TopologicalOrder()
           where ChannelAffine.IsNormalization(node) && ChannelAffine.FromNormalization(node, out _) is not null
              && node.Inputs[3]!.Constant!.ElementType == ElementType.Float
           let before = original.Graph.Find(node.Output.Name)?.Producer
           where before is not null && ChannelAffine.IsNormalization(before)
           select new NormalizationRefit(node, before.Inputs[0]!, keptChannels?.GetValueOrDefault(node.Output.Name)),
    ];

    /// <summary>Estimates the statistics of operators anew, all from one run over the samples.</summary>
    /// <exception cref="CalibrationException">A sample cannot be run.</exception>
    internal static void Run(Model original, Model pruned, IReadOnlyList<NormalizationRefit> normalizations, Dataset samples, CancellationToken cancellation)
    {
        if (normalizations.Count == 0)
        {
            return;
        }

        ChannelSums[] now = [.. normalizations.Select(_ => new ChannelSums())];
        ChannelSums[] before = [.. normalizations.Select(_ => new ChannelSums())];
        IEnumerable<SampleActivations> read = OrderedActivations.Read(pruned, [.. normalizations.Select(entry => entry.node.Inputs[0]!)], samples, cancellation);
        IEnumerable<SampleActivations> given = OrderedActivations.Read(original, [.. normalizations.Select(entry => entry.target)], samples, cancellation);
        foreach ((SampleActivations pruning, SampleActivations dense) in read.Zip(given))
        {
            for (int i = 0; i < normalizations.Count; i++)
            {
                Value input = normalizations[i].node.Inputs[0]!;
                now[i].Add(pruning[input], pruning.ShapeOf(input));
                before[i].Add(dense[normalizations[i].target], dense.ShapeOf(normalizations[i].target));
            }
        }

        for (int i = 0; i < normalizations.Count; i++)
        {
            normalizations[i].Store(before[i], now[i]);
        }
    }

    private void Store(ChannelSums before, ChannelSums now)
    {
        float[] means = node.Inputs[3]!.Constant!.ToSingles();
        float[] variances = node.Inputs[4]!.Constant!.ToSingles();
        double epsilon = node.GetFloat("epsilon", 1e-5f);
        bool isChanged = false;
        for (int channel = 0; channel < means.Length; channel++)
        {
            (double mean, double variance) = before.Of(kept is null ? channel : kept[channel]);
            (double newMean, double newVariance) = now.Of(channel);
            double scale = variances[channel] + epsilon;
            bool isConstant = variance < SmallestVariance * scale || newVariance < SmallestVariance * scale;
            double ratio = isConstant ? 1 : newVariance / variance;
            if (!double.IsFinite(newMean - mean) || !double.IsFinite(ratio)
                || (Math.Abs(newMean - mean) <= SmallestChange * Math.Sqrt(scale) && Math.Abs(ratio - 1) <= SmallestChange))
            {
                continue;
            }

            isChanged = true;
            means[channel] = (float)(newMean - (mean - means[channel]) * Math.Sqrt(ratio));
            variances[channel] = (float)Math.Max(0, scale * ratio - epsilon);
        }

        if (isChanged)
        {
            foreach ((int index, float[] values) in ((int, float[])[])[(3, means), (4, variances)])
            {
                node.SetInput(index, node.Graph.AddInitializer(node.Inputs[index]!.Name, Tensor.Vector(values)));
            }
        }
    }

    /// <summary>Sums over all that a channel reads, [batch, channels, …].</summary>
    private sealed class ChannelSums
    {
        private double[] sums = [];
        private double[] squares = [];
        private long count;

        internal void Add(ReadOnlySpan<float> numbers, IReadOnlyList<long> shape)
        {
            int channels = (int)shape[1];
            int plane = numbers.IsEmpty ? 0 : numbers.Length / (int)(shape[0] * channels);
            if (sums.Length == 0)
            {
                (sums, squares) = (new double[channels], new double[channels]);
            }

            for (int row = 0; row < shape[0] * channels; row++)
            {
                int channel = row % channels;
                foreach (float value in numbers.Slice(row * plane, plane))
                {
                    sums[channel] += value;
                    squares[channel] += (double)value * value;
                }
            }

            count += shape[0] * plane;
        }

        internal (double Mean, double Variance) Of(int channel)
        {
            double mean = sums[channel] / count;
            return (mean, Math.Max(0, squares[channel] / count - mean * mean));
        }
    }
}
