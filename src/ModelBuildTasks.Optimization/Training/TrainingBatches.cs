using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// Samples in batches of one size, in another order in each epoch. At most <see cref="MostBytes"/> of them are held at a time: of a larger set parts are drawn, read and shuffled one after the other.
/// </summary>
internal sealed class TrainingBatches
{
    /// <summary>As much as 1,700 images of 224 × 224 take.</summary>
    private const long MostBytes = 1L << 30;

    private readonly Dataset data;
    private readonly int batchSize;
    private readonly int seed;
    private readonly int partSize;
    private Sample[]? all;

    /// <param name="data">At least one sample. What is of another shape than the first is left out.</param>
    /// <param name="batchSize">Samples of a batch. Where the last of an epoch is short it is filled with some that have been in it before.</param>
    /// <param name="seed">Decides the order.</param>
    /// <param name="mostBytes">That are held.</param>
    internal TrainingBatches(Dataset data, int batchSize, int seed, long mostBytes = MostBytes)
    {
        this.data = data;
        this.batchSize = batchSize;
        this.seed = seed;
        First = data.Read().First();
        long bytes = Math.Max(1, First.Inputs.Sum(input => (long)input.Data.Length));
        partSize = (int)Math.Clamp(mostBytes / bytes, batchSize, Math.Max(batchSize, data.Count));
    }

    /// <summary>The sample whose shapes all have.</summary>
    internal Sample First { get; }

    /// <summary>Batches of an epoch.</summary>
    internal int PerEpoch => (data.Count + batchSize - 1) / batchSize;

    /// <summary>The batches of an epoch: the same each time for the same epoch.</summary>
    /// <param name="epoch">0, 1, …</param>
    internal IEnumerable<Sample[]> Epoch(int epoch)
    {
        int[] order = [.. Enumerable.Range(0, data.Count)];
        Random random = new(unchecked((seed * 1_000_003) + epoch));
        random.Shuffle(order);
        List<Sample> open = [];
        Sample[]? filling = null;
        int left = PerEpoch;
        foreach (int[] part in order.Chunk(partSize))
        {
            Sample[] samples = Read(part);
            random.Shuffle(samples);
            filling ??= [.. samples.Take(batchSize)];
            open.AddRange(samples);
            int taken = 0;
            for (; open.Count - taken >= batchSize && left > 0; taken += batchSize, left--)
            {
                yield return [.. open.Skip(taken).Take(batchSize)];
            }

            open.RemoveRange(0, taken);
        }

        for (; left > 0 && filling is { Length: > 0 }; left--)
        {
            yield return [.. open.Take(batchSize).Concat(Repeated(filling)).Take(batchSize)];
            open.Clear();
        }
    }

    /// <summary>Samples as one: each input's along the first axis.</summary>
    internal static Tensor[] Join(IReadOnlyList<IReadOnlyList<Tensor>> samples) => [.. Enumerable.Range(0, samples[0].Count).Select(i => Tensor.Concatenate([.. samples.Select(sample => sample[i])]))];

    private Sample[] Read(int[] part)
    {
        if (partSize < data.Count)
        {
            return Fitting(data.At([.. part.Order()]));
        }

        // All fit: they are read once, and always come in stored order.
        all ??= Fitting(data);
        return [.. all];
    }

    private Sample[] Fitting(Dataset samples) => [.. samples.Read().Where(sample => sample.IsShapedAs(First))];

    private static IEnumerable<Sample> Repeated(Sample[] samples)
    {
        while (true)
        {
            foreach (Sample sample in samples)
            {
                yield return sample;
            }
        }
    }
}
