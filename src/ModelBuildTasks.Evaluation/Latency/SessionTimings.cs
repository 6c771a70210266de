using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>What one model takes by itself, measured while no other build measures on this machine.</summary>
/// <param name="LoadMilliseconds">Opening a session; the file has been read before.</param>
/// <param name="Run">Running one sample.</param>
/// <param name="SamplesPerSecond">By batch size, ascending; batch sizes that the model does not take are left out.</param>
public sealed record SessionTimings(Estimate LoadMilliseconds, SoloTiming Run, IReadOnlyList<KeyValuePair<int, double>> SamplesPerSecond)
{
    /// <param name="modelPath">The model.</param>
    /// <param name="samples">At least one.</param>
    /// <param name="batches">Batch sizes.</param>
    /// <param name="session">Threads.</param>
    /// <param name="settings">The time limit is that of each figure.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>Null when another process kept measuring for all of <see cref="LatencySettings.WaitForMachine"/>.</returns>
    /// <exception cref="InferenceException">ONNX Runtime cannot load or run the model.</exception>
    public static SessionTimings? Measure(
        string modelPath, IReadOnlyList<IReadOnlyList<Tensor>> samples, IEnumerable<int> batches, SessionSettings session, LatencySettings settings, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(settings);
        using MeasuringTurn? turn = MeasuringTurn.Take(settings.WaitForMachine, cancellation: cancellation);
        if (turn is null)
        {
            return null;
        }

        SoloTiming load = SoloTiming.Run(() => ModelSession.Open(modelPath, session).Dispose(), settings, cancellation);
        using ModelSession model = ModelSession.Open(modelPath, session);
        SoloTiming run = SoloTiming.Run(() => model.RunBorrowed(samples[0]).Dispose(), settings, cancellation);
        List<KeyValuePair<int, double>> throughput = [];
        foreach (int size in batches.Distinct().Order())
        {
            if (BatchedSamples.Of(model, samples, size) is { } batch && Runs(model, batch))
            {
                double milliseconds = size == 1 ? run.Milliseconds.Value : SoloTiming.Run(() => model.RunBorrowed(batch).Dispose(), settings, cancellation).Milliseconds.Value;
                throughput.Add(new(size, size * 1000 / milliseconds));
            }
        }

        return new SessionTimings(load.Milliseconds, run, throughput);
    }

    /// <summary>Some models say that an axis is open and fix it inside.</summary>
    private static bool Runs(ModelSession model, IReadOnlyList<Tensor> batch)
    {
        try
        {
            model.RunBorrowed(batch).Dispose();
            return true;
        }
        catch (InferenceException)
        {
            return false;
        }
    }
}
