using System.CommandLine;
using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// How often the latency gate is wrong, on machines that are simulated and on this one. Promises: at most 2 % false failures with the true ratio within the budget, and at most 5 % of regressions of
/// 10 % missed.
/// </summary>
internal static class GateQuality
{
    private static readonly Disturbance[] Disturbances =
    [
        new("nothing but jitter of 1 %"),
        new("jitter of 6 %, 20 interruptions a second") { Jitter = 0.06, Interruptions = 20 },
        new("heat, 20 % slower and back in 4 s") { Jitter = 0.02, Drift = 0.2 },
        new("frequency steps, to 1.4 times") { Jitter = 0.02, StepsFrequency = true },
        new("a process that comes and goes on another core, 30 % slower") { Jitter = 0.03, Neighbour = 0.3 },
        new("a process that comes and goes on the same core") { Jitter = 0.02, SharesCore = true },
        new("all of it") { Jitter = 0.06, Interruptions = 20, Drift = 0.2, StepsFrequency = true, SharesCore = true },
    ];

    /// <summary>Milliseconds of one run of the original: many runs to a timing, one, and so long that few pairs fit into the time.</summary>
    private static readonly double[] OriginalMilliseconds = [0.2, 4, 40];

    private static readonly double[] TrueRatios = [0.4, 0.9];

    internal static Command Command()
    {
        Option<int> trials = new("--trials") { Description = "Simulated measurements for each disturbance.", DefaultValueFactory = _ => 250 };
        Option<int> realTrials = new("--real-trials") { Description = "Measurements of each real model; 0 for none.", DefaultValueFactory = _ => 12 };
        Option<string?> only = new("--only") { Description = "Only the disturbances whose names hold this." };
        Command command = new("gate", "How often the latency gate fails without a reason or misses a regression.") { trials, realTrials, only };
        command.SetAction(parsed => Run(parsed.GetValue(trials), parsed.GetValue(realTrials), parsed.GetValue(only) ?? ""));
        return command;
    }

    private static void Run(int trials, int realTrials, string only)
    {
        GateTally all = new("together");
        GateTally.PrintHeadings();
        foreach (Disturbance disturbance in Disturbances.Where(disturbance => disturbance.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            foreach (double milliseconds in OriginalMilliseconds)
            {
                GateTally tally = new($"{disturbance.Name}; {milliseconds} ms", all);
                Parallel.For(0, trials, trial => Simulate(disturbance, milliseconds, TrueRatios[trial % 2], trial, tally));
                tally.Print();
            }
        }

        all.Print();
        if (realTrials > 0)
        {
            Console.WriteLine();
            GateTally.PrintHeadings();
            RealGate.Run(realTrials);
        }
    }

    private static void Simulate(Disturbance disturbance, double milliseconds, double trueRatio, int trial, GateTally tally)
    {
        NoisyMachine machine = new(disturbance, trial);
        LatencyResult measured = LatencyComparison.Measure(
            () => machine.Work(milliseconds), () => machine.Work(milliseconds * trueRatio), "simulated", 1, new LatencySettings { Seed = trial }, machine);
        tally.Add(measured, trueRatio);
    }
}
