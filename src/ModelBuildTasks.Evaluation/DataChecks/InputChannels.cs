using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>The channels of an input that are looked at apart: those of an image, the columns of a short vector, else one for all elements.</summary>
/// <param name="Count">Number of channels.</param>
/// <param name="IsLast">Whether neighbouring elements are of different channels.</param>
/// <param name="AreColumns">Whether they are the columns of a vector.</param>
internal readonly record struct InputChannels(int Count, bool IsLast, bool AreColumns = false)
{
    /// <summary>Longer vectors are pixels or the like, and no columns of a table.</summary>
    private const int MostColumns = 64;

    private const int MostImageChannels = 4;

    /// <summary>Elements of a channel that one sample gives to the distribution: neighbouring pixels tell the same.</summary>
    private const int MostGathered = 256;

    internal static InputChannels Of(TensorSignature input)
    {
        long? Size(int axis) => input.Shape[axis].Size;
        return input.Shape.Count switch
        {
            4 when Size(1) is <= MostImageChannels and var channels => new((int)channels!, IsLast: false),
            4 when Size(3) is <= MostImageChannels and var channels => new((int)channels!, IsLast: true),
            // The elements of a sequence of whole numbers, such as tokens, are no columns.
            2 when Size(1) is <= MostColumns and var columns && input.ElementType.IsFloatingPoint() => new((int)columns!, IsLast: true, AreColumns: true),
            _ => new(1, IsLast: false),
        };
    }

    /// <summary>The elements of one sample, those of a channel together also where the sample is a batch of several images.</summary>
    internal ReadOnlySpan<float> Elements(Tensor sample)
    {
        ReadOnlySpan<float> values = sample.AsSingles();
        int images = IsLast || Count == 1 ? 1 : (int)sample.Dimensions[0];
        if (images <= 1)
        {
            return values;
        }

        float[] together = new float[values.Length];
        int plane = values.Length / (images * Count);
        for (int i = 0; i < images * Count; i++)
        {
            (int image, int channel) = Math.DivRem(i, Count);
            values.Slice(i * plane, plane).CopyTo(together.AsSpan((channel * images + image) * plane));
        }

        return together;
    }

    /// <summary>Where the elements of a channel begin among all of one sample, see <see cref="Elements"/>, how far they are apart, and how many there are.</summary>
    internal (int Start, int Step, int Count) Place(int elements, int channel) =>
        IsLast ? (channel, Count, elements / Count) : (channel * (elements / Count), 1, elements / Count);

    /// <summary>At most 256 elements of a channel, evenly spaced, other ones for each sample.</summary>
    internal float[] Gather(ReadOnlySpan<float> values, int channel, int sample)
    {
        (int start, int step, int count) = Place(values.Length, channel);
        // An odd distance, so that it does not meet the same columns of an image again and again.
        int distance = (count + MostGathered - 1) / MostGathered | 1;
        int first = sample % distance;
        float[] gathered = new float[Math.Max(0, (count - first + distance - 1) / distance)];
        for (int i = 0; i < gathered.Length; i++)
        {
            gathered[i] = values[start + (first + i * distance) * step];
        }

        return gathered;
    }
}
