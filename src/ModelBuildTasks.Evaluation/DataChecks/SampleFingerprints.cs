using System.Numerics.Tensors;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>The fingerprints of a data set: 8 bytes a sample, and 512 for each look that is kept.</summary>
internal sealed class SampleFingerprints
{
    /// <summary>Looks that are kept, spread evenly over larger sets: 64 MB.</summary>
    private const int MostLooks = 1 << 17;
    private readonly ulong[] contents;
    private readonly List<int> looking = [];
    private readonly List<float[]> looks = [];
    private readonly List<sbyte[]?> details = [];
    private readonly int step;

    /// <param name="count">Samples of the data set.</param>
    internal SampleFingerprints(int count)
    {
        contents = new ulong[count];
        step = (count + MostLooks - 1) / MostLooks;
    }

    internal IReadOnlyList<ulong> Contents => contents;

    /// <summary>Indices of the samples that have a look.</summary>
    internal IReadOnlyList<int> Looking => looking;

    /// <summary>The looks of <see cref="Looking"/>, each of length 1.</summary>
    internal IReadOnlyList<float[]> Looks => looks;

    /// <summary>The details of <see cref="Looking"/>.</summary>
    internal IReadOnlyList<sbyte[]?> Details => details;

    internal void Add(int index, SampleFingerprint fingerprint)
    {
        contents[index] = fingerprint.Content;
        if (fingerprint.Look is { } look && index % step == 0)
        {
            looking.Add(index);
            looks.Add(look);
            details.Add(fingerprint.Detail);
        }
    }

    /// <summary>Cosine of two looks of length 1.</summary>
    internal static float Likeness(float[] first, float[] second) => TensorPrimitives.Dot<float>(first, second);

    /// <summary>Cosine of two details; 0 where they are of inputs of other sizes, or of none.</summary>
    internal static double Likeness(sbyte[]? first, sbyte[]? second)
    {
        if (first is null || second is null || first.Length != second.Length)
        {
            return 0;
        }

        (long product, long firstSquares, long secondSquares) = (0, 0, 0);
        for (int i = 0; i < first.Length; i++)
        {
            product += first[i] * second[i];
            firstSquares += first[i] * first[i];
            secondSquares += second[i] * second[i];
        }

        return product / Math.Sqrt((double)firstSquares * secondSquares);
    }
}
