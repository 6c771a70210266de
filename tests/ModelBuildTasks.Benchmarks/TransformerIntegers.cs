using System.CommandLine;
using System.Globalization;
using System.Numerics.Tensors;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Smoothing;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>A transformer in integers: dynamic and static, with and without SmoothQuant. Noise of the output on samples that did not calibrate; latency beside the simplified float model.</summary>
internal static class TransformerIntegers
{
    private const int Vocabulary = 8000;
    private const int Sequence = 128;

    internal static Command Command()
    {
        Option<int> layers = new("--layers") { Description = "Layers of the transformer.", DefaultValueFactory = _ => 4 };
        Option<int> width = new("--width") { Description = "Width of the transformer.", DefaultValueFactory = _ => 384 };
        Option<int> outliers = new("--outliers") { Description = "Channels of each normalization that are 20 times the others.", DefaultValueFactory = _ => 6 };
        Command command = new("transformer", "A transformer in integers: noise and latency, with and without SmoothQuant.") { layers, width, outliers };
        command.SetAction(parsed => Measure(TransformerModel.Create(parsed.GetValue(layers), parsed.GetValue(width), Vocabulary, isRealistic: true, parsed.GetValue(outliers))));
        return command;
    }

    private static void Measure(Model transformer)
    {
        PassContext context = new(TargetProfiles.CpuX64, new TokenDataset(64, Sequence, Vocabulary, seed: 1));
        new GraphSimplification().Apply(transformer, context);
        using ModelSession original = ModelSession.Open(transformer);
        Console.WriteLine($"{ProcessorName.Current}, 1 thread, {Sequence} tokens");
        Console.WriteLine("| integers | signal to noise, dB | latency ratio to the simplified model |");
        Console.WriteLine("|---|---|---|");
        foreach ((string name, IModelPass[] passes) in new (string, IModelPass[])[]
        {
            ("dynamic", [new DynamicQuantization()]),
            ("SmoothQuant, dynamic", [new SmoothQuant(), new DynamicQuantization()]),
            ("static", [new StaticQuantization()]),
            ("SmoothQuant, static", [new SmoothQuant(), new StaticQuantization()]),
        })
        {
            Model model = transformer.Clone();
            PassOutcome[] outcomes = [.. passes.Select(pass => pass.Apply(model, context))];
            using ModelSession quantized = ModelSession.Open(model);
            Sample sample = new TokenDataset(1, Sequence, Vocabulary, seed: 3).Read().First();
            LatencyResult? latency = LatencyComparison.Run(original, quantized, sample.Inputs, ProcessorName.Current);
            string ratio = latency is null ? "another process measures" : string.Create(CultureInfo.InvariantCulture, $"{latency.Ratio.Value:0.00} [{latency.Ratio.Low:0.00}, {latency.Ratio.High:0.00}]");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Decibels(original, quantized):0.0} | {ratio} |"));
            foreach (PassOutcome outcome in outcomes)
            {
                Console.WriteLine($"  {outcome.Explanation}");
            }
        }
    }

    private static double Decibels(ModelSession original, ModelSession quantized)
    {
        double signal = 0, noise = 0;
        foreach (Sample sample in new TokenDataset(8, Sequence, Vocabulary, seed: 2).Read())
        {
            using SessionRun expected = original.RunBorrowed(sample.Inputs);
            using SessionRun found = quantized.RunBorrowed(sample.Inputs);
            signal += TensorPrimitives.SumOfSquares(expected.Span<float>(0));
            noise += Math.Pow(TensorPrimitives.Distance(expected.Span<float>(0), found.Span<float>(0)), 2);
        }

        return 10 * Math.Log10(signal / noise);
    }
}
