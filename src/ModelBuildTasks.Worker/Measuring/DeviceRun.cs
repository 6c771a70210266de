using System.Globalization;
using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Measuring;

/// <summary>Measures an artifact on this machine: latency, load time, throughput, processor use, memory, and where the time goes.</summary>
internal sealed class DeviceRun(MeasureSettings settings, IProgress<PipelineProgress> progress, CancellationToken cancellation)
{
    /// <summary>Time limit of load time and of each throughput: they decide no budget.</summary>
    private static readonly LatencySettings Brief = new() { TimeLimit = TimeSpan.FromSeconds(1) };

    private readonly SessionSettings session = new(settings.Threads);

    /// <summary>Why memory is missing; null when it is not.</summary>
    internal string? MemoryReason { get; private set; }

    /// <param name="modelPath">The artifact's ONNX file.</param>
    /// <exception cref="InferenceException">ONNX Runtime cannot run the artifact, or it cannot stand in for the baseline.</exception>
    /// <exception cref="DatasetException">The data cannot be read, or does not fit.</exception>
    /// <exception cref="MachineBusyException">Other processes kept measuring.</exception>
    internal DeviceMeasurement Measure(string modelPath)
    {
        using ModelSession artifact = ModelSession.Open(modelPath, session);
        Dataset? data = settings.Data is { } path ? Dataset.Open(path, artifact.Inputs) : null;
        IReadOnlyList<IReadOnlyList<Tensor>> samples = TrialInputs.For(artifact, data);
        if (samples.Count == 0)
        {
            throw new InferenceException($"It cannot be measured: {Comparison.RunsOnNothingDrawn}; name some with --data.");
        }

        using SourceModel? source = settings.BaselinePath is { } other && !OrtFormat.IsNamed(other) ? SourceModel.Load(other) : null;
        string? baselinePath = source?.RunnablePath ?? settings.BaselinePath;
        using ModelSession? baseline = baselinePath is null ? null : ModelSession.Open(baselinePath, session);
        LatencyResult? latency = baseline is null ? null : Compare(baseline, artifact, samples);
        progress.Report(new PipelineProgress("measuring load time and throughput", 0));
        LatencySettings patience = baseline is null ? Brief with { TimeLimit = settings.TimeLimit } : Brief;
        SessionTimings alone = SessionTimings.Measure(modelPath, samples, settings.Batches, session, patience, cancellation) ?? throw new MachineBusyException();
        progress.Report(new PipelineProgress("measuring memory", 0));
        MeasuredMemory memory = PeakMemory.Measure(modelPath, samples, settings.Threads, cancellation);
        MeasuredMemory? baselineMemory = baselinePath is null ? null : PeakMemory.Measure(baselinePath, samples, settings.Threads, cancellation);
        MemoryReason = memory.Reason ?? baselineMemory?.Reason;
        progress.Report(new PipelineProgress("profiling", 0));
        return new DeviceMeasurement
        {
            Model = settings.Name,
            Target = settings.Target,
            Artifact = ContentDigest.OfFile(modelPath),
            Baseline = settings.BaselinePath is null ? null : RequestInputs.DigestOfModel(settings.BaselinePath),
            MeasuredUtc = DateTime.UtcNow,
            Device = Device(),
            Threads = settings.Threads,
            Latency = Value(latency?.OptimizedMilliseconds ?? alone.Run.Milliseconds),
            BaselineLatency = latency is null ? null : Value(latency.OriginalMilliseconds),
            Ratio = latency is null ? null : Value(latency.Ratio),
            Runs = latency?.Pairs ?? alone.Run.Runs,
            LoadMilliseconds = Rounded(alone.LoadMilliseconds.Value),
            ProcessorUse = Rounded(alone.Run.ProcessorTime / Environment.ProcessorCount),
            Throughput = [.. alone.SamplesPerSecond.Select(entry => new BatchThroughput { Batch = entry.Key, SamplesPerSecond = Rounded(entry.Value) })],
            PeakMemory = memory.Bytes,
            BaselinePeakMemory = baselineMemory?.Bytes,
            Profile = SlowestOperators.Of(baselinePath, modelPath, samples[0], session, cancellation),
        };
    }

    private LatencyResult Compare(ModelSession baseline, ModelSession artifact, IReadOnlyList<IReadOnlyList<Tensor>> samples)
    {
        if (Verification.Check(baseline, artifact, samples) is { } difference)
        {
            throw new InferenceException($"It cannot stand in for '{settings.BaselinePath}': {difference}.");
        }

        progress.Report(new PipelineProgress("measuring latency", 0));
        LatencySettings patience = new() { TimeLimit = settings.TimeLimit };
        return LatencyComparison.Run(baseline, artifact, samples[0], ProcessorName.Current, settings.Threads, patience, cancellation) ?? throw new MachineBusyException();
    }

    private static MeasuredDevice Device() => new()
    {
        Processor = ProcessorName.Current,
        Cores = Environment.ProcessorCount,
        OperatingSystem = RuntimeInformation.OSDescription,
        Architecture = RuntimeInformation.ProcessArchitecture.ToString(),
        Runtime = ModelSession.RuntimeVersion,
        ExecutionProvider = TargetProfiles.Cpu.ExecutionProvider,
    };

    private static MeasuredValue Value(Estimate estimate) => new(Rounded(estimate.Value), Rounded(estimate.Low), Rounded(estimate.High));

    /// <summary>More digits than measuring is good for would only be hard to read.</summary>
    private static double Rounded(double value) => double.Parse(value.ToString("G5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}

/// <summary>Another process kept measuring on this machine, where one must measure alone.</summary>
internal sealed class MachineBusyException() : Exception(Comparison.MachineIsBusy);
