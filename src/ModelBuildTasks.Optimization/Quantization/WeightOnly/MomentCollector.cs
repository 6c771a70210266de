using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Runs calibration samples through the float model and gathers the second moments of what layers read (<see cref="OrderedActivations"/>).
/// </summary>
internal static class MomentCollector
{
    /// <summary>More samples, and more rows of one sample, tell little that is new: the GPTQ paper uses 128 sequences.</summary>
    internal const int MostSamples = 128;

    private const int MostRowsOfSample = 512;

    /// <param name="layers">The float values of the main graph that a layer reads (a layer that stands in several places reads several), and the length of their last axis.</param>
    /// <returns>The moments for each of <paramref name="layers"/>, of the rows of all its values.</returns>
    /// <exception cref="CalibrationException">There is no sample, one cannot be run, or a value holds numbers that are not finite.</exception>
    internal static InputMoments[] Run(Model model, IReadOnlyList<(IReadOnlyList<Value> Values, int Width)> layers, Dataset samples, CancellationToken cancellation)
    {
        InputMoments[] moments = [.. layers.Select(layer => new InputMoments(layer.Width))];
        int count = 0;
        float[] buffer = [];
        OrderedActivations.Run(
            model,
            [.. layers.SelectMany(layer => layer.Values).Distinct()],
            samples.Take(MostSamples),
            activations =>
            {
                count++;
                for (int i = 0; i < moments.Length; i++)
                {
                    foreach (Value value in layers[i].Values)
                    {
                        moments[i].Add(Rows(activations[value], value.Name, layers[i].Width, ref buffer), cancellation);
                    }
                }
            },
            cancellation);
        return count > 0 ? moments : throw new CalibrationException("there is no calibration sample");
    }

    /// <summary>The rows of one sample, at most <see cref="MostRowsOfSample"/> of them, evenly drawn.</summary>
    /// <param name="buffer">Holds them; the same for all samples, as fresh arrays of megabytes would pile up.</param>
    private static ReadOnlyMemory<float> Rows(ReadOnlySpan<float> numbers, string name, int width, ref float[] buffer)
    {
        if (numbers.Length % width != 0)
        {
            throw new CalibrationException($"the tensor '{name}' has {numbers.Length} numbers, which are no rows of {width}");
        }

        // Of no numbers, none is finite.
        if (!numbers.IsEmpty && !System.Numerics.Tensors.TensorPrimitives.IsFiniteAll(numbers))
        {
            throw new CalibrationException($"the tensor '{name}' holds numbers that are not finite");
        }

        int rows = numbers.Length / width;
        int kept = Math.Min(rows, MostRowsOfSample);
        if (buffer.Length < kept * width)
        {
            buffer = new float[kept * width];
        }

        for (int row = 0; row < kept; row++)
        {
            numbers.Slice((int)((long)row * rows / kept) * width, width).CopyTo(buffer.AsSpan(row * width));
        }

        return buffer.AsMemory(0, kept * width);
    }
}
