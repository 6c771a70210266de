using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Samples that a function of the index makes, for models with one input.</summary>
internal sealed class GeneratedSamples(int count, Func<int, Tensor> sample) : Dataset
{
    public override string Path => "generated";

    public override int Count => count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => Enumerable.Range(0, count).Select(index => new Sample([sample(index)], null));

    /// <summary>Numbers drawn evenly from [<paramref name="lowest"/>, <paramref name="highest"/>].</summary>
    internal static GeneratedSamples Even(int count, long[] shape, float lowest = -1, float highest = 1) => new(count, index => Numbers(index, shape, lowest, highest));

    internal static Tensor Numbers(int seed, long[] shape, float lowest = -1, float highest = 1)
    {
        Random random = new(seed);
        float[] numbers = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = lowest + (highest - lowest) * random.NextSingle();
        }

        return Tensor.Create(shape, numbers);
    }
}
