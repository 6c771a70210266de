using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>Shapes and values that follow from a seed.</summary>
internal static class RandomShapes
{
    private const int LargestSize = 4;

    /// <summary>A shape of 1 to 4 axes of 1 to 4 elements.</summary>
    public static long[] Draw(int seed) => Draw(seed, 1 + new Random(seed).Next(4));

    /// <summary>A shape of <paramref name="rank"/> axes of 1 to 4 elements.</summary>
    public static long[] Draw(int seed, int rank)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, rank).Select(_ => 1L + random.Next(LargestSize))];
    }

    /// <summary>Shapes that broadcast with one another: some leading axes are missing and some sizes are 1.</summary>
    public static long[][] DrawBroadcast(int seed, int count)
    {
        Random random = new(seed);
        long[] full = Draw(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
            full.Skip(random.Next(full.Length)).Select(size => random.Next(3) == 0 ? 1 : size).ToArray())];
    }

    /// <summary>Values of which no two are closer than several steps of a difference, so that a maximum does not change within a step.</summary>
    public static Tensor Distinct(long[] shape, int seed)
    {
        const float Gap = 0.06f;
        float[] values = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size)).Select(i => (float)i)];
        new Random(seed).Shuffle(values);
        return Tensor.Create(shape, Array.ConvertAll(values, value => Gap * (value + 0.5f - (values.Length / 2f))));
    }

    /// <summary>Values in [0.5, 2].</summary>
    public static Tensor Positive(long[] shape, int seed) => Between(shape, seed, 0.5f, 2);

    /// <summary>Values in [<paramref name="low"/>, <paramref name="high"/>].</summary>
    public static Tensor Between(long[] shape, int seed, float low, float high)
    {
        Random random = new(seed);
        float[] values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = low + ((high - low) * random.NextSingle());
        }

        return Tensor.Create(shape, values);
    }
}
