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

    /// <param name="values">What layers read, with the length of its last axis: float values of the main graph.</param>
    /// <exception cref="CalibrationException">There is no sample, one cannot be run, or a value holds numbers that are not finite.</exception>
    internal static Dictionary<Value, InputMoments> Run(Model model, IReadOnlyList<(Value Value, int Inputs)> values, Dataset samples, CancellationToken cancellation)
    {
        InputMoments[] moments = [.. values.Select(value => new InputMoments(value.Inputs))];
        int count = 0;
        float[] buffer = [];
        OrderedActivations.Run(
            model,
            [.. values.Select(value => value.Value)],
            samples.Take(MostSamples),
            activations =>
            {
                count++;
                for (int v = 0; v < moments.Length; v++)
                {
                    moments[v].Add(Rows(activations[values[v].Value], values[v], ref buffer), cancellation);
                }
            },
            cancellation);
        return count > 0 ? values.Select((value, i) => (value.Value, moments[i])).ToDictionary() : throw new CalibrationException("there is no calibration sample");
    }

    /// <summary>The rows of one sample, at most <see cref="MostRowsOfSample"/> of them, evenly drawn.</summary>
    /// <param name="buffer">Holds them; the same for all samples, as fresh arrays of megabytes would pile up.</param>
    private static ReadOnlyMemory<float> Rows(ReadOnlySpan<float> numbers, (Value Value, int Inputs) value, ref float[] buffer)
    {
        if (numbers.Length % value.Inputs != 0)
        {
            throw new CalibrationException($"the tensor '{value.Value.Name}' has {numbers.Length} numbers, which are no rows of {value.Inputs}");
        }

        // Of no numbers, none is finite.
        if (!numbers.IsEmpty && !System.Numerics.Tensors.TensorPrimitives.IsFiniteAll(numbers))
        {
            throw new CalibrationException($"the tensor '{value.Value.Name}' holds numbers that are not finite");
        }

        int rows = numbers.Length / value.Inputs;
        int kept = Math.Min(rows, MostRowsOfSample);
        if (buffer.Length < kept * value.Inputs)
        {
            buffer = new float[kept * value.Inputs];
        }

        for (int row = 0; row < kept; row++)
        {
            numbers.Slice((int)((long)row * rows / kept) * value.Inputs, value.Inputs).CopyTo(buffer.AsSpan(row * value.Inputs));
        }

        return buffer.AsMemory(0, kept * value.Inputs);
    }
}
