using System.Numerics.Tensors;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>The fingerprints of a data set: 8 bytes a sample, and 256 for each look that is kept.</summary>
internal sealed class SampleFingerprints
{
    /// <summary>Looks that are kept, spread evenly over larger sets: 32 MB.</summary>
    private const int MostLooks = 1 << 17;
    private readonly ulong[] contents;
    private readonly List<int> looking = [];
    private readonly List<float[]> looks = [];
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

    internal void Add(int index, SampleFingerprint fingerprint)
    {
        contents[index] = fingerprint.Content;
        if (fingerprint.Look is { } look && index % step == 0)
        {
            looking.Add(index);
            looks.Add(look);
        }
    }

    /// <summary>Cosine of two looks of length 1.</summary>
    internal static float Likeness(float[] first, float[] second) => TensorPrimitives.Dot<float>(first, second);
}
