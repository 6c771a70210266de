using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// The gate on this machine beside a busy thread. The true ratio is known where the two sides are runs of one model, so many of each, and was measured before, alone and for
/// <see cref="TruthSeconds"/>, where they are a model and its integer form.
/// </summary>
internal static class RealGate
{
    private const int TruthSeconds = 20;
    private const int CalibrationSamples = 64;

    // Beyond any cache of one core, so that the memory is shared, too.
    private const int LoadBytes = 32 << 20;

    internal static void Run(int trials)
    {
        GateTally all = new("together");
        foreach ((string model, int original, int optimized) in ((string, int, int)[])[("digits.onnx", 10, 10), ("aka_resnet20_cifar10.onnx", 10, 9), ("squeezenet1.0_imagenet_fp32.onnx", 2, 1)])
        {
            if (BenchmarkModels.Paths().FirstOrDefault(path => Path.GetFileName(path) == model) is not { } found)
            {
                continue;
            }

            using ModelSession session = ModelSession.Open(found);
            IReadOnlyList<Tensor> inputs = new GeneratedDataset(session.Inputs, 1).Read().First().Inputs;
            Measure($"{model}, {optimized} of {original} runs", (double)optimized / original, Runs(session, inputs, original), Runs(session, inputs, optimized), trials, all);
        }

        MeasureIntegers(BenchmarkModels.Paths().First(), trials, all);
        all.Print();
    }

    private static void MeasureIntegers(string path, int trials, GateTally all)
    {
        Model model = Model.Load(path);
        using ModelSession session = ModelSession.Open(model);
        GeneratedDataset data = new(session.Inputs, CalibrationSamples);
        PassContext context = new(TargetProfiles.CpuX64, data);
        new GraphSimplification().Apply(model, context);
        new StaticQuantization().Apply(model, context);
        using ModelSession integers = ModelSession.Open(model);
        IReadOnlyList<Tensor> inputs = data.Read().First().Inputs;
        (Action original, Action optimized) = (Runs(session, inputs, 1), Runs(integers, inputs, 1));
        LatencySettings longer = new() { TimeLimit = TimeSpan.FromSeconds(TruthSeconds), Precision = 0 };
        LatencyResult truth = LatencyComparison.Measure(original, optimized, "this", 1, longer, TimeProvider.System);
        Measure($"{Path.GetFileName(path)} in integers against float, {truth.Ratio} alone", truth.Ratio.Value, original, optimized, trials, all);
    }

    private static void Measure(string name, double trueRatio, Action original, Action optimized, int trials, GateTally all)
    {
        GateTally tally = new(name, all);
        using CancellationTokenSource load = new();
        Thread busy = new(() => BeBusy(load.Token)) { IsBackground = true };
        busy.Start();
        for (int trial = 0; trial < trials; trial++)
        {
            tally.Add(LatencyComparison.Measure(original, optimized, "this", 1, new LatencySettings { Seed = trial }, TimeProvider.System), trueRatio);
        }

        load.Cancel();
        busy.Join();
        tally.Print();
    }

    private static Action Runs(ModelSession session, IReadOnlyList<Tensor> inputs, int count) => () =>
    {
        for (int i = 0; i < count; i++)
        {
            session.RunBorrowed(inputs).Dispose();
        }
    };

    private static void BeBusy(CancellationToken cancellation)
    {
        byte[] memory = new byte[LoadBytes];
        while (!cancellation.IsCancellationRequested)
        {
            for (int i = 0; i < memory.Length; i++)
            {
                memory[i]++;
            }
        }
    }
}
