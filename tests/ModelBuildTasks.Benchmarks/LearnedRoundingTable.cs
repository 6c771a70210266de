using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Equalization;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Static integers with weights of 8 bits and fewer, rounded to the nearest code, by least squares, and as it is learned: what the model loses, and what it takes. Every layer that can computes in integers, so that roundings are compared
/// and not choices; activations have 8 bits, as have the weights of depthwise convolutions.
/// </summary>
internal static class LearnedRoundingTable
{
    internal static Command Command()
    {
        Option<string[]> only = new("--only") { Description = "Parts of the names of the models to measure.", DefaultValueFactory = _ => ["digits", "mnist8", "fashion", "resnet20", "mobilenet"], AllowMultipleArgumentsPerToken = true };
        Option<int[]> bits = new("--bits") { Description = "Bits of the weights.", DefaultValueFactory = _ => [8, 4, 3], AllowMultipleArgumentsPerToken = true };
        Option<bool> blocks = new("--blocks") { Description = "Tell what is left of the error of each block, and which were not learned." };
        Command command = new("learned-rounding", "Weights rounded to the nearest code, by least squares, and as learned: fidelity, accuracy, seconds.") { only, bits, blocks };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | bits | rounding | accuracy by labels | same best class | signal to noise, dB | seconds of a core | seconds |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => parsed.GetRequiredValue(only).Any(part => entry.Name.Contains(part, StringComparison.Ordinal))))
            {
                foreach (int width in parsed.GetRequiredValue(bits))
                {
                    Measure(entry, width, parsed.GetValue(blocks));
                }
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, int bits, bool tellsBlocks)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(TargetProfiles.CpuX64 with { WeightBits = bits }, calibration);
        Model original = Model.Load(entry.Path);
        new GraphSimplification().Apply(original, context);
        Model prepared = original.Clone();
        new CrossLayerEqualization().Apply(prepared, context);
        CalibratedModel calibrated = new(prepared, context, RangeMethod.Auto, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());
        using Process self = Process.GetCurrentProcess();
        Tell("nearest", 0, 0);
        TimeSpan busy = Busy();
        long start = Stopwatch.GetTimestamp();
        calibrated.Round = Reconstruction.Run(calibrated, choice, context);
        Tell("least squares", Stopwatch.GetElapsedTime(start).TotalSeconds, (Busy() - busy).TotalSeconds);
        busy = Busy();
        start = Stopwatch.GetTimestamp();
        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);
        calibrated.Round = learned.Round;
        Tell("learned", Stopwatch.GetElapsedTime(start).TotalSeconds, (Busy() - busy).TotalSeconds);
        if (tellsBlocks)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"<!-- {learned.Explanation}: {string.Join(" ", learned.Errors.Select(left => left.ToString("0.00", CultureInfo.InvariantCulture)))} {string.Join(" ", learned.Refusals)} -->"));
        }

        TimeSpan Busy()
        {
            self.Refresh();
            return self.TotalProcessorTime;
        }

        void Tell(string rounding, double seconds, double processor)
        {
            Fidelity fidelity = Fidelity.Compare(entry.Kind, original.ToBytes(), calibrated.Form(choice).ToBytes(), evaluation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {entry.Name} | {bits} | {rounding} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.SignalToNoise} | {processor:0.0} | {seconds:0.0} |"));
        }
    }
}
