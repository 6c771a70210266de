using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>A data set of given tensors for a model with one input.</summary>
internal sealed class ListedSamples(params Tensor[] tensors) : Dataset
{
    public override string Path => "listed";

    public override int Count => tensors.Length;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => tensors.Select(tensor => new Sample([tensor], null));

    internal static ListedSamples Random(long[] shape, int count, float lowest = -1, float highest = 1)
    {
        Random random = new(1);
        return new ListedSamples([.. Enumerable.Range(0, count).Select(_ => Weights.Uniform(random, shape, lowest, highest))]);
    }
}

/// <summary>Random tensors.</summary>
internal static class Weights
{
    internal static Tensor Uniform(Random random, long[] shape, float lowest = -1, float highest = 1)
    {
        float[] values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = lowest + (highest - lowest) * random.NextSingle();
        }

        return Tensor.Create(shape, values);
    }
}
