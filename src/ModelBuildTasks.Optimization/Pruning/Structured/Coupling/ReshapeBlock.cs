using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>Axes of two shapes whose sizes have the same product, so that a Reshape moves no element into or out of them.</summary>
/// <param name="From">Axes of the input, ascending.</param>
/// <param name="To">Axes of the output, ascending.</param>
internal sealed record ReshapeBlock(int[] From, int[] To)
{
    /// <summary>The smallest blocks, from the end on; those in front of which a size is unknown are left out, equal names aside.</summary>
    internal static IEnumerable<ReshapeBlock> Of(IReadOnlyList<Dimension> from, IReadOnlyList<Dimension> to)
    {
        int input = from.Count;
        int output = to.Count;
        while (input > 0 && output > 0)
        {
            (int lastInput, int lastOutput) = (input, output);
            if (IsSame(from[input - 1], to[output - 1]))
            {
                (input, output) = (input - 1, output - 1);
            }
            else if (!TryBalance(from, to, ref input, ref output))
            {
                yield break;
            }

            yield return new ReshapeBlock([.. Enumerable.Range(input, lastInput - input)], [.. Enumerable.Range(output, lastOutput - output)]);
        }
    }

    /// <summary>Where the channels of one input axis are in the output; joins those that fall into one index there.</summary>
    /// <returns>Null where sizes are unknown.</returns>
    internal (int Axis, int[] Channels)? Follow(int axis, int[] channels, IReadOnlyList<Dimension> from, IReadOnlyList<Dimension> to, Action<int, int> join)
    {
        if (From.Length == 1 && To.Length == 1)
        {
            return (To[0], channels);
        }

        long inner = Product(from, From.Where(other => other > axis));
        long length = Product(from, From);
        int outputAxis = To.FirstOrDefault(other => to[other].Size != 1, To[^1]);
        int size = (int)to[outputAxis].Size!.Value;
        long stretch = length / size;
        int[] given = new int[size];
        for (int index = 0; index < size; index++)
        {
            given[index] = ChannelAt(index * stretch);

            // Within a stretch the channel changes once in so many elements only.
            for (long at = index * stretch; at < (index + 1) * stretch; at += inner - at % inner)
            {
                join(given[index], ChannelAt(at));
            }
        }

        return (outputAxis, given);

        int ChannelAt(long element) => channels[element / inner % channels.Length];
    }

    private static bool IsSame(Dimension one, Dimension other) => one.Size is { } size ? size == other.Size && size != 0 : one.Symbol is { Length: > 0 } symbol && symbol == other.Symbol;

    private static bool TryBalance(IReadOnlyList<Dimension> from, IReadOnlyList<Dimension> to, ref int input, ref int output)
    {
        (int lastInput, int lastOutput) = (input, output);
        long left = 1, right = 1;
        do
        {
            if (left <= right && input > 0)
            {
                left *= from[--input].Size ?? 0;
            }
            else if (output > 0)
            {
                right *= to[--output].Size ?? 0;
            }
            else
            {
                return false;
            }

            if (left == 0 || right == 0)
            {
                return false;
            }
        }
        while (left != right || input == lastInput || output == lastOutput);

        return true;
    }

    private static long Product(IReadOnlyList<Dimension> shape, IEnumerable<int> axes) => axes.Aggregate(1L, (product, axis) => product * shape[axis].Size!.Value);
}
