using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// Runs the float model on the calibration samples and observes chosen tensors in ONNX Runtime's own memory. Only the samples in flight
/// are held, so memory does not grow with their number. The model keeps the runtime's fusions, as only tensors that integers will replace are
/// made outputs.
/// </summary>
internal static class Calibrator
{
    /// <summary>Each sample in flight holds its activations; more cores than this would trade memory for little.</summary>
    private const int MostSamplesInFlight = 8;

    /// <summary>The fewest dimensions with which the first is surely not that of channels: [batch, channels, …] or [batch, …, channels].</summary>
    private const int BatchedRank = 3;

    /// <summary>Observes each of <paramref name="values"/>, which must be float tensors of the main graph.</summary>
    /// <exception cref="CalibrationException">A tensor holds numbers that are not finite, or the samples cannot be run.</exception>
    internal static Dictionary<Value, IRangeObserver> Run(
        Model model, IReadOnlyList<Value> values, Dataset samples, Func<Value, IRangeObserver> createObserver, IProgress<double>? progress, CancellationToken cancellation)
    {
        Value[] computed = [.. values.Where(value => value.Producer is not null)];
        (Value Value, int Index)[] fed = [.. InputsToFeed(model).Select((value, index) => (value, index)).Where(input => values.Contains(input.value))];
        Dictionary<Value, IRangeObserver> observers = values.ToDictionary(value => value, createObserver);
        using ModelSession? session = computed.Length > 0 ? ObservedModel.Open(model, computed) : null;
        int done = 0;

        void Observe(Sample sample)
        {
            foreach ((Value value, int index) in fed)
            {
                ObserveOne(value, sample.Inputs[index].Span<float>(), sample.Inputs[index].Dimensions, observers[value]);
            }

            if (session is not null)
            {
                using SessionRun run = session.RunBorrowed(sample.Inputs);
                for (int i = 0; i < computed.Length; i++)
                {
                    if (run.TypeOf(i) != ElementType.Float)
                    {
                        throw new CalibrationException($"the tensor '{computed[i].Name}' holds {run.TypeOf(i)}, not float32");
                    }

                    ObserveOne(computed[i], run.Span<float>(i), run.ShapeOf(i), observers[computed[i]]);
                }
            }

            progress?.Report(Interlocked.Increment(ref done) / (double)samples.Count);
        }

        try
        {
            ParallelOptions options = new()
            {
                MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostSamplesInFlight),
                CancellationToken = cancellation,
            };
            Parallel.ForEach(Partitioner.Create(samples.Read(), EnumerablePartitionerOptions.NoBuffering), options, Observe);
        }
        catch (AggregateException failures)
        {
            if (failures.InnerExceptions.OfType<InferenceException>().FirstOrDefault() is { } refused)
            {
                throw new CalibrationException($"a calibration sample cannot be run: {refused.Message}");
            }

            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }

        return observers;
    }

    /// <summary>Rows of a batch are observed one by one: a sample of eight rows tells what eight samples do.</summary>
    private static void ObserveOne(Value value, ReadOnlySpan<float> numbers, IReadOnlyList<long> shape, IRangeObserver observer)
    {
        int rows = shape.Count >= BatchedRank && shape[0] > 1 ? (int)shape[0] : 1;
        int length = numbers.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            observer.Observe(numbers.Slice(row * length, length));
        }

        if (!observer.Seen.IsFinite)
        {
            throw new CalibrationException($"the tensor '{value.Name}' holds numbers that are not finite");
        }
    }

    /// <summary>Initializers that are inputs too keep their default; samples do not feed them.</summary>
    private static IEnumerable<Value> InputsToFeed(Model model) => model.Graph.Inputs.Where(input => input.Initializer is null);
}
