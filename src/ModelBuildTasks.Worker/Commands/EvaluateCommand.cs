using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild evaluate</c>: an artifact that ships on data that came later: its accuracy, and how far the data has moved from that of the calibration.</summary>
internal static class EvaluateCommand
{
    /// <summary>Metadata of the item that are options here, with their help.</summary>
    private static readonly (string Metadata, string Help)[] Settings =
    [
        (MetadataNames.Metric, $"What accuracy means: {string.Join(", ", Choice.Names<Metric>())} (default: as at the build, where the labels allow it)."),
        (MetadataNames.MinAccuracy, "Fail below this accuracy."),
        (MetadataNames.MaxAccuracyDrop, "Fail when more accuracy is lost against the original, such as 0.01."),
        (MetadataNames.MaxClassAccuracyDrop, "Fail when any class or slice loses more, such as 0.05."),
    ];

    internal static Command Create()
    {
        Argument<FileInfo> artifact = new("artifact") { Description = "The artifact: an .onnx or .ort file, plain or compressed (.br), or the result file (.json) of a build or of 'optimize --json'." };
        Option<string> data = new("--data", "-d") { Description = "The new samples, with labels or without (see docs/DATA.md).", Required = true };
        Option<FileInfo> original = new("--original") { Description = "The model to compare with (default: the source model that the result file names, where it is still there)." };
        Option<string> maxDrift = new("--max-drift") { Description = $"Fail when an input has drifted more: a population stability index, of which {InputDrift.Significant.ToString(CultureInfo.InvariantCulture)} and more is significant." };
        Option<bool> json = new("--json") { Description = "Print all of it as JSON." };
        Command command = new("evaluate", "Evaluate an artifact on new data, and compare that with the calibration data (see docs/EVALUATING.md).") { artifact, data, original, maxDrift, json };
        SettingOptions settings = new(command, Settings);
        command.SetAction((parsed, cancellation) => ModelCommand.Start(
            () => ArtifactFile.Run(parsed.GetRequiredValue(artifact).FullName, file =>
            {
                string samples = Path.GetFullPath(parsed.GetRequiredValue(data));
                SettingsReader reader = SettingsReader.Read(Path.GetFileName(file.Path), file.Path, metadata =>
                    metadata == MetadataNames.EvaluationData ? samples
                    : settings.Value(parsed, metadata));
                if (reader.Diagnostics.Count > 0)
                {
                    return ModelCommand.Report(reader.Diagnostics);
                }

                string? limit = parsed.GetValue(maxDrift);
                double drift = InputDrift.Significant;
                if (limit is not null && !(double.TryParse(limit, NumberStyles.Float, CultureInfo.InvariantCulture, out drift) && drift >= 0 && double.IsFinite(drift)))
                {
                    return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.NotAQuantity, file.Path, "--max-drift", limit, "a number of at least 0, such as 0.25")]);
                }

                EvaluationRequest request = new(file, samples, parsed.GetValue(original)?.FullName, reader.Settings.Metric, reader.Budgets, limit is null ? null : drift);
                return Evaluate(request, parsed.GetValue(json), cancellation);
            }),
            cancellation));
        return command;
    }

    private static int Evaluate(EvaluationRequest request, bool asJson, CancellationToken cancellation)
    {
        using ArtifactEvaluation evaluation = new(request);
        if (!evaluation.Load(out int exitCode))
        {
            return exitCode;
        }

        // What is read as JSON must be nothing else.
        EvaluationFacts? facts = asJson
            ? evaluation.Measure(new Progress<PipelineProgress>(), cancellation)
            : ConsoleProgress.Show(Path.GetFileName(request.Artifact.Path), progress => evaluation.Measure(progress, cancellation));
        if (facts is null)
        {
            return ModelCommand.Report(evaluation.Findings);
        }

        if (asJson)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(facts, EvaluationFactsJson.Default.EvaluationFacts));
        }
        else
        {
            facts.Print();
        }

        return ModelCommand.Report(evaluation.Findings.Concat(EvaluationDiagnostics.Of(request, facts)));
    }
}
