using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Network surgery with and without training, at high sparsities, on labelled data that neither has seen.</summary>
internal static class SurgeryTable
{
    private static readonly (string Model, string Learned, string Judged)[] Cases =
    [
        ("mnist8_cntk", RealCase.Description("mnist/calib1k-images.idx.gz", "mnist/calib1k-labels.idx.gz", ""), RealCase.Description("mnist/test5k-images.idx.gz", "mnist/test5k-labels.idx.gz", "")),
        (
            "fashion_mlp_bstollnitz",
            RealCase.Description("fashion900/images600.idx.gz", "fashion900/labels600.idx.gz", """ "scale": "1/255", "split": { "from": 0, "to": 0.5 }"""),
            RealCase.Description("fashion900/images600.idx.gz", "fashion900/labels600.idx.gz", """ "scale": "1/255", "split": { "from": 0.5, "to": 1 }""")),
        ("digits_mlp", RealCase.Description("digits/train_x.idx.gz", "digits/train_y.idx.gz", """ "scale": "1/16" """), RealCase.Description("digits/test_x.idx.gz", "digits/test_y.idx.gz", """ "scale": "1/16" """)),
    ];

    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Option<double[]> sparsity = new("--sparsity") { Description = "Shares of weights to remove.", DefaultValueFactory = _ => [0.9, 0.95], AllowMultipleArgumentsPerToken = true };
        Option<int> steps = new("--steps") { Description = "Steps of training.", DefaultValueFactory = _ => new TrainingPlan().DefaultSteps };
        Option<float> rate = new("--rate") { Description = "Highest learning rate.", DefaultValueFactory = _ => 1e-3f };
        Option<bool> labels = new("--labels") { Description = "Learn from labels, too." };
        Command command = new("surgery", "Network surgery with its training loop beside the form without training.") { only, sparsity, steps, rate, labels };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | technique | zeros of the prunable weights | accuracy by labels | same best class | seconds |");
            Console.WriteLine("|---|---|---|---|---|---|");
            TrainingPlan plan = new() { DefaultSteps = parsed.GetRequiredValue(steps), LearningRate = parsed.GetRequiredValue(rate) };
            foreach ((string model, string learned, string judged) in Cases.Where(entry => entry.Model.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                foreach (double share in parsed.GetRequiredValue(sparsity))
                {
                    Measure(model, learned, judged, share, plan, parsed.GetValue(labels));
                }
            }
        });
        return command;
    }

    private static void Measure(string name, string learned, string judged, double sparsity, TrainingPlan plan, bool withLabels)
    {
        string path = BenchmarkModels.Data("models", name + ".onnx");
        using ModelSession source = ModelSession.Open(path);
        Dataset samples = RealCase.Described(learned, source.Inputs);
        samples = withLabels ? samples : new DistillationTable.Unlabelled(samples);
        Dataset evaluation = RealCase.Described(judged, source.Inputs);
        PassContext context = new(TargetProfiles.CpuX64, samples);
        Model original = Model.Load(path);
        new GraphSimplification().Apply(original, context);
        foreach (IModelPass pass in new IModelPass[] { new Surgery(sparsity), new DynamicSurgery(samples, plan, sparsity) { IsClassifier = true } })
        {
            Model pruned = original.Clone();
            long start = Stopwatch.GetTimestamp();
            PassOutcome outcome = pass.Apply(pruned, context);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Fidelity fidelity = Fidelity.Compare(OutputKind.Classes, original.ToBytes(), pruned.ToBytes(), evaluation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {pass.Name} | {PruningWeights.Zeros(pruned):P1} | {fidelity.Labels} | {fidelity.SameClass} | {seconds:0} |"));
            Console.WriteLine($"<!-- {outcome.Explanation} -->");
        }
    }
}
