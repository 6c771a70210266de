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

/// <summary>Real models pruned to a share of their multiplications, and taught by what they were, without labels: what comes back.</summary>
internal static class DistillationTable
{
    internal static Command Command()
    {
        Option<double> work = new("--work") { Description = "The share of multiplications to leave.", DefaultValueFactory = _ => 0.35 };
        Option<string> only = new("--only") { Description = "The model to measure.", DefaultValueFactory = _ => "digits" };
        Option<int> steps = new("--steps") { Description = "Steps of the training.", DefaultValueFactory = _ => new TrainingPlan().DefaultSteps };
        Option<double> minutes = new("--minutes") { Description = "Most time for the training.", DefaultValueFactory = _ => 5 };
        Option<float> rate = new("--rate") { Description = "Highest learning rate.", DefaultValueFactory = _ => new TrainingPlan().LearningRate };
        Option<string?> data = new("--data") { Description = "Samples to learn from, in place of those that calibrate." };
        Command command = new("distillation", "Structured pruning of real models, then distillation without labels.") { work, only, steps, minutes, rate, data };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"{ProcessorName.Current}");
            Console.WriteLine("| model | multiplications left | samples to learn from | accuracy by labels: original, pruned and refitted, distilled | same best class: pruned, distilled | steps | seconds |");
            Console.WriteLine("|---|---|---|---|---|---|---|");
            TrainingPlan plan = new() { DefaultSteps = parsed.GetValue(steps), Limit = TimeSpan.FromMinutes(parsed.GetValue(minutes)), LearningRate = parsed.GetValue(rate) };
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => entry.Name == parsed.GetRequiredValue(only)))
            {
                Measure(entry, parsed.GetValue(work), plan, parsed.GetValue(data));
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, double work, TrainingPlan plan, string? data)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        Dataset learned = new Unlabelled(data is null ? calibration : Dataset.Open(data, source.Inputs));
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        Model model = Model.Load(entry.Path);
        new GraphSimplification().Apply(model, context);
        byte[] simplified = model.ToBytes();
        if (StructuredPruningTable.Sparsity(simplified, work, context, calibration, out string? reason) is not { } sparsity)
        {
            Console.WriteLine($"| {entry.Name} | none: {reason} |");
            return;
        }

        new StructuredPruning(sparsity).Apply(model, context);
        double left = StructuredPruningTable.Multiplications(model, calibration) / StructuredPruningTable.Multiplications(Model.Parse(simplified), calibration);
        Fidelity pruned = Fidelity.Compare(entry.Kind, simplified, model.ToBytes(), evaluation);
        long start = Stopwatch.GetTimestamp();
        PassOutcome outcome = new Distillation(Model.Parse(simplified), learned, plan) { IsClassifier = entry.Kind == OutputKind.Classes }
            .Apply(model, context with { Training = new Told(progress => Console.Error.WriteLine(FormattableString.Invariant($"{progress.Share:P0} loss {progress.Loss:0.####}, {progress.Left.TotalSeconds:0} s left"))) });
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Fidelity distilled = Fidelity.Compare(entry.Kind, simplified, model.ToBytes(), evaluation);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | {left:0.00} | {learned.Count} | {pruned.Labels} → {distilled.Labels} | {pruned.SameClass} → {distilled.SameClass} | {outcome.Explanation.Split(' ')[0]} | {seconds:0} |"));
        Console.WriteLine($"<!-- {outcome.Explanation} {string.Join(' ', outcome.Refusals)} -->");
    }

    private sealed class Told(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell(value);
    }

    /// <summary>A data set of which the labels are not known.</summary>
    internal sealed class Unlabelled(Dataset whole) : Dataset
    {
        public override string Path => whole.Path;

        public override int Count => whole.Count;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() => whole.Read().Select(sample => sample with { Label = null });
    }
}
