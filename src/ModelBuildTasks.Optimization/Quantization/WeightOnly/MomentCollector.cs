using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Runs calibration samples through the float model and gathers the second moments of what layers read, out of ONNX Runtime's own memory. Samples run
/// side by side, a few at a time, and are added one after the other in their order: sums then do not depend on the number of threads.
/// </summary>
internal static class MomentCollector
{
    /// <summary>Samples whose activations are held at once.</summary>
    private const int MostSamplesInFlight = 4;

    /// <summary>More samples, and more rows of one sample, tell little that is new: the GPTQ paper uses 128 sequences.</summary>
    internal const int MostSamples = 128;

    private const int MostRowsOfSample = 512;

    /// <param name="values">What layers read, with the length of its last axis: float values of the main graph.</param>
    /// <exception cref="CalibrationException">There is no sample, one cannot be run, or a value holds numbers that are not finite.</exception>
    internal static Dictionary<Value, InputMoments> Run(Model model, IReadOnlyList<(Value Value, int Inputs)> values, Dataset samples, CancellationToken cancellation)
    {
        Dataset drawn = samples.Take(MostSamples);
        InputMoments[] moments = [.. values.Select(value => new InputMoments(value.Inputs))];
        Value[] computed = [.. values.Select(value => value.Value).Where(value => value.Producer is not null)];
        Value[] inputs = [.. model.Graph.Inputs.Where(input => input.Initializer is null)];
        using ModelSession? session = computed.Length > 0 ? Calibrator.Open(model, computed) : null;
        int count = 0;
        float[] buffer = [];
        foreach (Sample[] window in drawn.Read().Chunk(MostSamplesInFlight))
        {
            cancellation.ThrowIfCancellationRequested();
            count += window.Length;
            SessionRun?[] runs = new SessionRun?[window.Length];
            try
            {
                Parallel.For(0, window.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i => runs[i] = session?.RunBorrowed(window[i].Inputs));
                for (int i = 0; i < window.Length; i++)
                {
                    for (int v = 0; v < moments.Length; v++)
                    {
                        Value value = values[v].Value;
                        int output = Array.IndexOf(computed, value);
                        ReadOnlySpan<float> numbers = output >= 0 ? runs[i]!.Span<float>(output) : window[i].Inputs[Array.IndexOf(inputs, value)].Span<float>();
                        moments[v].Add(Rows(numbers, values[v], ref buffer), cancellation);
                    }
                }
            }
            catch (AggregateException failures) when (failures.InnerExceptions.OfType<InferenceException>().FirstOrDefault() is { } refused)
            {
                throw new CalibrationException($"a calibration sample cannot be run: {refused.Message}");
            }
            finally
            {
                Array.ForEach(runs, run => run?.Dispose());
            }
        }

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

        if (!System.Numerics.Tensors.TensorPrimitives.IsFiniteAll(numbers))
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
