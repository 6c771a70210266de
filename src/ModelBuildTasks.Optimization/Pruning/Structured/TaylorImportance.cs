using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// The importance of channels by first-order terms: the mean over samples of (Σ w·∂L/∂w)², the sum over the weights that go (Molchanov et al., "Importance Estimation for Neural Network Pruning", 2019, equation 8, sample
/// by sample). Of several channels the terms are added before they are squared, so that what makes up for each other costs nothing.
/// </summary>
/// <remarks>
/// L is the squared difference of the outputs to themselves moved by ±1 in each element, drawn at random: the square of its slope is, on average, the squared change of the outputs (Hutchinson, "A stochastic estimator of
/// the trace", 1990), in which all layers count alike. It needs no labels, and fits models of any kind. Cross-entropy, with labels or with classes that are drawn from what the model says, has hardly a slope where
/// a model is sure of its answers: of mnist8 none at all.
/// </remarks>
internal static class TaylorImportance
{
    /// <summary>Draws for each sample: the spread of a mean of squares is that of as many samples more.</summary>
    private const int Draws = 4;

    /// <summary>One order for each set, with losses as shares of the power of the outputs.</summary>
    /// <param name="samples">Those of the first one's shapes count.</param>
    /// <param name="reason">Why there is no slope by some channel, null when there are orders.</param>
    /// <exception cref="CalibrationException">A sample cannot be run, or slopes are not finite.</exception>
    internal static List<RemovalOrder>? Of(DependencyGraph graph, IReadOnlyList<ChannelSet> sets, Dataset samples, CancellationToken cancellation, out string? reason)
    {
        Sample[] read = [.. samples.Read()];
        double[] scales;
        IReadOnlyList<Tensor> results;
        using (ModelSession session = ModelSession.Open(graph.Model, new SessionSettings(Environment.ProcessorCount)))
        {
            IReadOnlyList<Tensor>[] all = [.. read.Where(sample => sample.IsShapedAs(read[0])).Select(sample => Run(session, sample, cancellation))];
            results = all[0];
            scales = [.. results.Select((result, output) => result.ElementType == ElementType.Float ? Scale(all.Select(answers => answers[output])) : 0)];
        }

        read = [.. read.Where(sample => sample.IsShapedAs(read[0]))];
        using ChannelGates? gates = ChannelGates.Of(graph, read[0], results, out reason);
        if (gates is null)
        {
            return null;
        }

        int[] classes = [.. sets.SelectMany(set => set.Classes)];
        Dictionary<int, int> places = classes.Select((channel, i) => (channel, i)).ToDictionary(entry => entry.channel, entry => entry.i);
        double[][] slopes = new double[read.Length * Draws][];
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        Parallel.For(0, slopes.Length, options, draw =>
        {
            Random random = new(draw);
            Tensor[] factors = [.. results.Select((result, output) => (result, scale: scales[output])).Where(output => output.result.ElementType == ElementType.Float).Select(output => Noise(output.result, output.scale, random))];
            gates.AddSlopes(read[draw / Draws], factors, places, slopes[draw] = new double[classes.Length]);
        });
        if (!Array.TrueForAll(slopes, row => TensorPrimitives.IsFiniteAll<double>(row)))
        {
            throw new CalibrationException("the slopes of the outputs by the channels are not finite");
        }

        List<RemovalOrder> orders = [];
        int first = 0;
        foreach (ChannelSet set in sets)
        {
            orders.Add(RemovalOrder.Of(set.Classes, Interactions(slopes, first, set.Classes.Length)));
            first += set.Classes.Length;
        }

        return orders;
    }

    private static IReadOnlyList<Tensor> Run(ModelSession session, Sample sample, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return session.Run(sample.Inputs);
    }

    /// <summary>One over the root of an output's mean power, so that outputs of any scale count alike.</summary>
    private static double Scale(IEnumerable<Tensor> results)
    {
        double power = results.Average(result => (double)TensorPrimitives.SumOfSquares(result.Span<float>()));
        return power > 0 ? 1 / Math.Sqrt(power) : 0;
    }

    private static Tensor Noise(Tensor result, double scale, Random random)
    {
        float[] noise = new float[result.Length];
        for (int i = 0; i < noise.Length; i++)
        {
            noise[i] = (float)(random.Next(2) == 0 ? scale : -scale);
        }

        return Tensor.Create([.. result.Dimensions], noise);
    }

    /// <summary>The means of the products of slopes, for the classes of a set.</summary>
    private static double[] Interactions(double[][] slopes, int first, int count)
    {
        double[] interactions = new double[count * count];
        foreach (double[] row in slopes)
        {
            ReadOnlySpan<double> own = row.AsSpan(first, count);
            for (int i = 0; i < count; i++)
            {
                Span<double> sums = interactions.AsSpan(i * count, count);
                TensorPrimitives.MultiplyAdd(own, own[i] / slopes.Length, sums, sums);
            }
        }

        return interactions;
    }
}
