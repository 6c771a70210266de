using System.CommandLine;
using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Benchmarks;

/// <summary>What <c>Auto</c> makes of each real model for each target: size, number formats, error against the original on this processor, the oldest ONNX Runtime.</summary>
internal static class TargetTable
{
    private const int MostNames = 4;

    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Option<string> target = new("--target") { Description = "One target profile.", DefaultValueFactory = _ => "" };
        Command command = new("targets", "What Auto makes of real models for each target.") { only, target };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current}, ONNX Runtime {ModelSession.RuntimeVersion} -->");
            Console.WriteLine("| model | target | made by | bytes | weights | operators in integers, float16, float32 | error | ONNX Runtime since |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|");
            DirectoryInfo folder = Directory.CreateTempSubdirectory("modelbuild-benchmark-");
            try
            {
                TargetProfile[] targets = parsed.GetRequiredValue(target) is { Length: > 0 } name ? [TargetProfiles.Find(name) ?? throw new ArgumentException("There is no such target.")] : [.. TargetProfiles.All];
                string wanted = parsed.GetRequiredValue(only);
                foreach (string path in Directory.GetFiles(BenchmarkModels.Data("models", ""), "*.onnx").Where(path => Path.GetFileName(path).Contains(wanted, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
                {
                    Measure(path, targets, folder.FullName);
                }
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static void Measure(string path, TargetProfile[] targets, string folder)
    {
        using SourceModel source = SourceModel.Load(path);
        (Dataset? calibration, Dataset evaluation) = TargetData.For(source);
        // Targets that want the same share a row.
        foreach (IGrouping<string, Made> same in targets.Select(target => Make(source, target, calibration, evaluation, folder)).ToArray().GroupBy(made => made.Digest))
        {
            Made made = same.First();
            Console.WriteLine($"| {Path.GetFileNameWithoutExtension(path)}{(calibration is null ? " °" : "")} | {string.Join(", ", same.Select(entry => entry.Target.Name))} | {made.Recipe} | {Describe(made.Path, source, evaluation)} |");
        }
    }

    private static Made Make(SourceModel source, TargetProfile target, Dataset? calibration, Dataset evaluation, string folder)
    {
        string artifact = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(source.Path)}.{target}.onnx");
        OptimizationRequest request = new() { ModelPath = source.Path, Name = "model", Target = target.Name, Measurement = Measurement.Skip, OutputPath = artifact };
        CandidateSearch search = new(request, source, target, calibration, calibration is null ? null : evaluation, new Progress<PipelineProgress>(), CancellationToken.None);
        using ShippedForm shipped = new(request, artifact);
        IReadOnlyList<Worker.Caching.Step> steps = search.Run(RecipeBook.For(request.Settings, target, calibration is not null, calibration is not null, source.Model), shipped)!.Steps;
        string recipe = string.Join(", ", steps.Where(step => step.Applied && !step.Name.StartsWith("fit", StringComparison.Ordinal)).Select(step => step.Name));
        return new Made(target, artifact, recipe.Length == 0 ? "nothing" : recipe, ComputationOf(artifact));
    }

    /// <summary>A digest of what an artifact computes: metadata and the names of graphs tell of its target.</summary>
    internal static string ComputationOf(string artifact)
    {
        Model model = Model.Load(artifact);
        foreach (Graph graph in model.Graph.WithSubgraphs())
        {
            graph.Name = "";
        }

        return model.Digest();
    }

    private static string Describe(string artifact, SourceModel source, Dataset evaluation)
    {
        using ModelSession session = ModelSession.Open(artifact);
        Model model = Model.Load(artifact);
        ArtifactContents contents = ArtifactContents.Of(model);
        using ModelSession? rounded = Float16Emulation.Of(model) is { } emulated ? ModelSession.Open(emulated) : null;
        double error = OutputError.Worst(source.Session, rounded ?? session, evaluation.Read());
        IReadOnlyList<Tensor> inputs = evaluation.Read().First().Inputs;
        long bytes = new FileInfo(artifact).Length;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{bytes:N0} ({(double)bytes / source.Bytes:0.00}) | {contents.Weights} | {contents.Integer}, {contents.Half}, {InSingle(contents)} | {error:0.0000} | {OldestRelease.Of(artifact, inputs, session.Run(inputs))}");
    }

    private static string InSingle(ArtifactContents contents)
    {
        string[] names = [.. contents.Single.OrderByDescending(entry => entry.Value).Select(entry => $"{entry.Key} {entry.Value}")];
        return $"{contents.Single.Values.Sum()}{(names.Length == 0 ? "" : $" ({string.Join(", ", names.Take(MostNames))}{(names.Length > MostNames ? ", …" : "")})")}";
    }

    private sealed record Made(TargetProfile Target, string Path, string Recipe, string Digest);
}
