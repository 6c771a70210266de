using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// How much the outputs of a model change when channels are masked: the squared difference as a share of the outputs' power, summed over the outputs. An output that
/// then has another number of elements, as one that NonZero or NonMaxSuppression chooses, counts as lost.
/// </summary>
internal sealed class OutputSensitivity
{
    private readonly DependencyGraph graph;
    private readonly List<Sample> samples;
    private readonly List<IReadOnlyList<Tensor>> expected;

    internal OutputSensitivity(DependencyGraph graph, Dataset samples)
    {
        this.graph = graph;
        this.samples = [.. samples.Read()];
        using ModelSession session = ModelSession.Open(graph.Model, new SessionSettings(Environment.ProcessorCount));
        expected = [.. this.samples.Select(sample => session.Run(sample.Inputs))];
    }

    internal double Without(IReadOnlySet<int> classes)
    {
        using ModelSession session = ModelSession.Open(ChannelMask.Of(graph, classes), new SessionSettings(Environment.ProcessorCount));
        double[] noise = new double[expected[0].Count];
        double[] power = new double[noise.Length];
        for (int i = 0; i < samples.Count; i++)
        {
            IReadOnlyList<Tensor> actual = session.Run(samples[i].Inputs);
            for (int output = 0; output < noise.Length; output++)
            {
                float[] reference = expected[i][output].ToSingles();
                power[output] += TensorPrimitives.SumOfSquares(reference);
                noise[output] += SquaredDistance(reference, actual[output].ToSingles());
            }
        }

        return noise.Zip(power, (error, whole) => whole > 0 ? error / whole : 0).Sum();
    }

    private static double SquaredDistance(float[] reference, float[] actual)
    {
        double squares = 0;
        if (reference.Length != actual.Length)
        {
            squares = TensorPrimitives.SumOfSquares<float>(reference);
        }
        else if (reference.Length > 0)
        {
            float distance = TensorPrimitives.Distance<float>(reference, actual);
            squares = distance * distance;
        }

        return squares;
    }
}
