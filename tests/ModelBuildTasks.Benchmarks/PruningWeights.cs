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

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Pruning of single weights of real models on real data, by each technique: what the results of the layers lose against magnitude pruning's, what the model
/// loses, and what it takes.
/// </summary>
internal static class PruningWeights
{
    /// <summary>Samples on which results of layers are compared: there are many numbers in each.</summary>
    private const int LayerSamples = 64;

    private const double MiB = 1 << 20;

    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Option<double[]> sparsity = new("--sparsity") { Description = "Shares of weights to remove.", DefaultValueFactory = _ => [0.5], AllowMultipleArgumentsPerToken = true };
        Option<string> technique = new("--technique") { Description = "A part of the names of the techniques to measure.", DefaultValueFactory = _ => "" };
        Option<string[]> exclude = new("--exclude") { Description = "Layers that keep their weights.", DefaultValueFactory = _ => [], AllowMultipleArgumentsPerToken = true };
        Command command = new("pruning-weights", "Unstructured and 2:4 pruning of real models: errors of layers, fidelity, accuracy, time, memory.") { only, sparsity, technique, exclude };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | technique | zeros | error of layers / magnitude's: median, worst | accuracy by labels | same best class | overlap | signal to noise, dB | seconds | MiB |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => entry.Name.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                foreach (double share in parsed.GetRequiredValue(sparsity))
                {
                    Measure(entry, share, parsed.GetRequiredValue(technique), new ExcludedLayers(parsed.GetRequiredValue(exclude)));
                }
            }
        });
        return command;
    }

    private static IEnumerable<(string Name, IModelPass Pass)> Techniques(double sparsity, ExcludedLayers excluded)
    {
        foreach (PruningScope scope in Enum.GetValues<PruningScope>().Reverse())
        {
            string suffix = scope == PruningScope.Local ? ", local" : ", global";
            yield return ("magnitude" + suffix, new MagnitudePruning(sparsity, scope, excluded));
            yield return ("magnitude with refit" + suffix, new Reconstruction(new MagnitudePruning(sparsity, scope, excluded), excluded));
            yield return ("second order" + suffix, new SecondOrderPruning(sparsity, scope, excluded));
            yield return ("surgery" + suffix, new Surgery(sparsity, scope, excluded));
        }

        if (sparsity == 0.5)
        {
            yield return ("2:4", new TwoFourPruning(excluded));
        }
    }

    private static void Measure(RealCase entry, double sparsity, string technique, ExcludedLayers excluded)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        Model original = Model.Load(entry.Path);
        new GraphSimplification().Apply(original, context);
        Dictionary<string, double>? byMagnitude = null;
        foreach ((string name, IModelPass pass) in Techniques(sparsity, excluded).Where((entry, i) => i == 0 || entry.Name.Contains(technique, StringComparison.Ordinal)))
        {
            Model pruned = original.Clone();
            PassOutcome outcome = PassOutcome.Refused("");
            double seconds = 0;
            long peak = PrivateMemory.PeakDuring(() =>
            {
                long start = Stopwatch.GetTimestamp();
                outcome = pass.Apply(pruned, context);
                seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            });
            if (!outcome.Changed)
            {
                Console.WriteLine($"<!-- {entry.Name}, {name}: {outcome.Explanation} -->");
                continue;
            }

            Dictionary<string, double> errors = LayerErrors(original, pruned, evaluation.Take(LayerSamples));
            byMagnitude ??= errors;
            double[] ratios = [.. errors.Where(error => byMagnitude[error.Key] > 0).Select(error => error.Value / byMagnitude[error.Key]).Order()];
            Fidelity fidelity = Fidelity.Compare(entry.Kind, original.ToBytes(), pruned.ToBytes(), evaluation);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {entry.Name} | {name} | {Zeros(pruned):P1} | {ratios[ratios.Length / 2]:0.00}, {ratios[^1]:0.00} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.Overlap} | {fidelity.SignalToNoise} | {seconds:0.0} | {peak / MiB:0} |"));
        }
    }

    /// <summary>The squared error of each layer's result in the pruned model, as a share of the result's energy.</summary>
    private static Dictionary<string, double> LayerErrors(Model original, Model pruned, Dataset samples)
    {
        string[] names = [.. original.Graph.Nodes.Where(node => node is { OpType: "Conv" or "Gemm" or "MatMul", Domain: "" } && node.Input(1)?.Constant is not null).Select(node => node.Output.Name)];
        using ModelSession before = Observing(original, names);
        using ModelSession after = Observing(pruned, names);
        (double Signal, double Noise)[] energies = new (double, double)[names.Length];
        foreach (Sample sample in samples.Read())
        {
            using SessionRun expected = before.RunBorrowed(sample.Inputs);
            using SessionRun actual = after.RunBorrowed(sample.Inputs);
            for (int i = 0; i < names.Length; i++)
            {
                ReadOnlySpan<float> x = expected.Span<float>(i);
                ReadOnlySpan<float> y = actual.Span<float>(i);
                for (int at = 0; at < x.Length; at++)
                {
                    energies[i].Signal += (double)x[at] * x[at];
                    energies[i].Noise += ((double)x[at] - y[at]) * ((double)x[at] - y[at]);
                }
            }
        }

        return names.Zip(energies, (name, energy) => (name, energy.Noise / energy.Signal)).ToDictionary();
    }

    private static ModelSession Observing(Model model, string[] names)
    {
        Model copy = model.Clone();
        foreach (Value output in copy.Graph.Outputs.ToArray())
        {
            copy.Graph.RemoveOutput(output);
        }

        foreach (string name in names)
        {
            copy.Graph.AddOutput(copy.Graph.Find(name)!);
        }

        copy.Graph.RemoveUnused();
        return ModelSession.Open(copy, new SessionSettings(Environment.ProcessorCount));
    }

    /// <summary>The share of zeros among the weights that magnitude pruning would consider.</summary>
    internal static double Zeros(Model model)
    {
        float[][] weights = [.. model.Graph.Nodes.Where(node => node is { OpType: "Conv" or "ConvTranspose" or "Gemm" or "MatMul", Domain: "" })
            .Select(node => node.Input(1)).OfType<Value>().Distinct().Where(value => value.Constant is { ElementType: ElementType.Float, Length: >= 512, Dimensions.Count: >= 2 })
            .Select(value => value.Constant!.ToSingles())];
        return weights.Sum(layer => (double)layer.Count(w => w == 0)) / weights.Sum(layer => (double)layer.Length);
    }
}
