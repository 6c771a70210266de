using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.Distilling;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Channels removed in rounds with training in between, against all at once and trained then, for the same number of steps.</summary>
internal static class IterativePruningTable
{
    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "digits" };
        Option<double[]> iterative = new("--iterative") { Description = "Shares of channels to remove in rounds.", DefaultValueFactory = _ => [0.33], AllowMultipleArgumentsPerToken = true };
        Option<double[]> once = new("--once") { Description = "Shares of channels to remove at once.", DefaultValueFactory = _ => [0.45], AllowMultipleArgumentsPerToken = true };
        Option<int> steps = new("--steps") { Description = "Steps of training.", DefaultValueFactory = _ => 3000 };
        Option<int> seeds = new("--seeds") { Description = "Trainings of each.", DefaultValueFactory = _ => 1 };
        Command command = new("iterative-pruning", "Structured pruning in rounds with training, against pruning at once.") { only, iterative, once, steps, seeds };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | how | channels to remove | multiplications left | accuracy by labels | same best class | signal to noise, dB | seconds |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => entry.Name.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                for (int seed = 0; seed < parsed.GetRequiredValue(seeds); seed++)
                {
                    TrainingPlan plan = new() { DefaultSteps = parsed.GetRequiredValue(steps), Seed = seed };
                    Measure(entry, plan, parsed.GetRequiredValue(once), parsed.GetRequiredValue(iterative));
                }
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, TrainingPlan plan, double[] once, double[] iterative)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        Model original = Model.Load(entry.Path);
        new GraphSimplification().Apply(original, context);
        bool isClassifier = entry.Kind == OutputKind.Classes;
        foreach (double share in once)
        {
            Report(entry, "at once", share, original, evaluation, context, [new StructuredPruning(share), new Distillation(original, calibration, plan) { IsClassifier = isClassifier }]);
        }

        foreach (double share in iterative)
        {
            Report(entry, "in rounds", share, original, evaluation, context, [new IterativePruning(calibration, plan, share) { IsClassifier = isClassifier }]);
        }
    }

    private static void Report(RealCase entry, string how, double share, Model original, Dataset evaluation, PassContext context, IReadOnlyList<IModelPass> passes)
    {
        Model pruned = original.Clone();
        long start = Stopwatch.GetTimestamp();
        string[] told = [.. passes.Select(pass => pass.Apply(pruned, context).Explanation)];
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Sample sample = evaluation.Read().First();
        double left = (MultiplicationCount.Of(pruned, sample) ?? 0.0) / (MultiplicationCount.Of(original, sample) ?? 1.0);
        Fidelity fidelity = Fidelity.Compare(entry.Kind, original.ToBytes(), pruned.ToBytes(), evaluation);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"| {entry.Name} | {how} | {share} | {left:0.00} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.SignalToNoise} | {seconds:0} |"));
        Console.WriteLine($"<!-- {string.Join(' ', told)} -->");
    }
}
