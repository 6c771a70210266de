using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>How much the outputs of a model change when channels are masked: the squared difference as a share of the outputs' power, summed over the outputs.</summary>
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
                float distance = TensorPrimitives.Distance(reference, actual[output].ToSingles());
                noise[output] += distance * distance;
            }
        }

        return noise.Zip(power, (error, whole) => whole > 0 ? error / whole : 0).Sum();
    }
}
