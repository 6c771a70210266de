using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Optimization.Conversion.Releases;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild optimize</c>: what the build does to an OptimizedModel item, for one target, from the command line.</summary>
internal static class OptimizeCommand
{
    /// <summary>Metadata of the item that are options here, with their help.</summary>
    private static readonly (string Metadata, string Help)[] Settings =
    [
        (MetadataNames.Precision, $"Numeric format: {Choices<Precision>()}."),
        (MetadataNames.IoPrecision, $"Float32 inputs and outputs: {Choices<IoPrecision>()}. Float16 is for callers that have it."),
        (MetadataNames.Quantization, $"How integers are introduced: {Choices<Quantization>()}."),
        (MetadataNames.Calibration, $"How static quantization finds ranges: {Choices<Calibration>()}."),
        (MetadataNames.Pruning, $"What is removed: {Choices<Pruning>()}. Default: Auto where precision and quantization are Auto and both data sets are there, else None."),
        (MetadataNames.Sparsity, "Share of the weights, or with Structured of the channels, to remove, 0 to 1."),
        (MetadataNames.PruningThreshold, "With Pruning=Threshold: remove weights of this magnitude and less."),
        (MetadataNames.PruningScope, $"Where Sparsity is reached: {Choices<PruningScope>()}."),
        (MetadataNames.PruningExclude, "Layers that are not pruned: names of nodes or of their weights, separated by semicolons; * stands for any characters."),
        (MetadataNames.Objective, $"What Auto makes best inside the budgets: {Choices<Objective>()}."),
        (MetadataNames.Format, $"Form of the artifact: {Choices<ArtifactFormat>()}. Ort is for CPU targets, and writes the operators that it needs into <artifact>.required_operators.config."),
        (MetadataNames.Metric, $"What accuracy means: {Choices<Metric>()}."),
        (MetadataNames.FineTune, $"Training that gives back what pruning or quantization costs: {Choices<FineTune>()}."),
        (MetadataNames.Teacher, "An ONNX model with the same inputs and outputs to learn from (default: the model itself)."),
        (MetadataNames.Student, "A smaller ONNX model with the same inputs and outputs that is trained and written in the model's place; the model judges it."),
        (MetadataNames.TrainingData, "Samples to train on, with labels or without (default: the calibration data)."),
        (MetadataNames.FineTuneEpochs, "How often training goes through its data, at least 1 (default: left to the build)."),
        (MetadataNames.CalibrationData, "Samples of real input (see docs/DATA.md)."),
        (MetadataNames.EvaluationData, "Samples that accuracy is judged on, with labels or without (see docs/DATA.md)."),
        (MetadataNames.MinAccuracy, "Fail below this accuracy."),
        (MetadataNames.MaxAccuracyDrop, "Fail when more accuracy is lost, such as 0.01."),
        (MetadataNames.MaxClassAccuracyDrop, "Fail when any class or slice loses more, such as 0.05."),
        (MetadataNames.MaxLatency, "Fail when one run takes longer, such as 8ms."),
        (MetadataNames.MaxLatencyRatio, "Fail when latency over the original's is higher, such as 0.7."),
        (MetadataNames.MaxSize, "Fail when the artifact is larger, such as 400KB."),
        (MetadataNames.MaxSizeRatio, "Fail when size over the original's is higher, such as 0.3."),
        (MetadataNames.MaxMemory, "Fail when loading and running takes more memory, such as 64MB."),
    ];

    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = "The ONNX model. It is not changed." };
        Option<FileInfo> output = new("--output", "-o") { Description = "The artifact to write, also when a budget is broken, which the exit code tells (default: <model>.<target>.onnx, or .ort, beside the model)." };
        output.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { } path }] && Directory.Exists(path))
            {
                result.AddError($"'{path}' is a folder; --output names the file to write, such as {Path.Combine(path, "model.onnx")}.");
            }
        });
        Option<string> target = new("--target", "-t") { Description = $"The target: {string.Join(", ", TargetNames.ByPreference)}.", DefaultValueFactory = _ => TargetNames.Cpu };
        target.AcceptOnlyFromAmong([.. TargetNames.ByPreference]);
        Option<Measurement> measurement = new("--measurement") { Description = "Whether latency is measured." };
        Option<DirectoryInfo> cache = new("--cache") { Description = "The artifact cache (default: the user's cache folder)." };
        Option<string> remoteCache = new("--remote-cache") { Description = "URL of a cache that is shared with others (see docs/CACHE.md)." };
        Option<string?> runtimeVersion = new("--runtime-version") { Description = "The version of Microsoft.ML.OnnxRuntime that the artifact will run in, such as 1.20.1: it is made for what that version reads (see docs/TARGETS.md)." };
        runtimeVersion.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { } version }] && RuntimeRelease.Find(version) is null)
            {
                result.AddError($"'{version}' is no version of ONNX Runtime from {RuntimeRelease.Oldest} on; --runtime-version takes one such as 1.20.1.");
            }
        });
        Option<string> timeout = new("--timeout") { Description = "How long a search or training may take, such as 90s or 5min (default: 5min); the best so far is then written. What is named completely and not trained fails when it takes longer." };
        timeout.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { } text }] && !Quantity.TryParseDuration(text, out _))
            {
                result.AddError($"'{text}' is no duration; --timeout takes one such as 90s or 5min.");
            }
        });
        Option<DirectoryInfo> trainedWeights = new("--trained-weights") { Description = "A folder that trained models are also kept in (see docs/FINE-TUNING.md)." };
        Option<string[]> disabledRules = new("--disable-rule") { Description = $"Leave out a rule of the simplification; may be repeated: {string.Join(", ", SimplificationRules.All)}." };
        Option<bool> explain = new("--explain") { Description = "Also tell the decision as a short story: what was tried and why, what was refused, what was kept, and what it bought." };
        Option<FileInfo> json = new("--json") { Description = "Also write the result as JSON." };
        Command command = new("optimize", "Optimize a model for one target, judge it, and write the artifact.") { model, output, target, measurement, runtimeVersion, cache, remoteCache, trainedWeights, timeout, disabledRules, explain, json };
        SettingOptions settings = new(command, Settings);
        command.SetAction((parsed, cancellation) => ModelCommand.Start(() => ModelCommand.Run(parsed.GetRequiredValue(model).FullName, path =>
        {
            string name = Path.GetFileNameWithoutExtension(path);
            SettingsReader reader = SettingsReader.Read(name, path, metadata =>
                metadata == MetadataNames.DisabledRules ? string.Join(';', parsed.GetValue(disabledRules) ?? [])
                : settings.Value(parsed, metadata));
            if (reader.Diagnostics.Count > 0)
            {
                return ModelCommand.Report(reader.Diagnostics);
            }

            if (parsed.GetValue(remoteCache) is { } url && RemoteCacheAddress.Parse(url) is null)
            {
                return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.NotAQuantity, path, "--remote-cache", RemoteCacheAddress.Redact(url), RemoteCacheAddress.Expected)]);
            }

            string targetName = parsed.GetRequiredValue(target);
            string artifact = parsed.GetValue(output)?.FullName ?? Path.ChangeExtension(path, $".{targetName}{(reader.Settings.Format == ArtifactFormat.Ort ? OrtFormat.Extension : ".onnx")}");
            if (reader.Settings.Format == ArtifactFormat.Ort && !OrtFormat.IsNamed(artifact))
            {
                return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, path,
                    $"ONNX Runtime knows ORT format by the extension {OrtFormat.Extension}, and --output is '{artifact}'")]);
            }

            OptimizationRequest request = new()
            {
                ModelPath = path,
                Name = name,
                Target = targetName,
                Settings = reader.Settings,
                Budgets = reader.Budgets,
                CalibrationData = FullPath(settings.Value(parsed, MetadataNames.CalibrationData)),
                EvaluationData = FullPath(settings.Value(parsed, MetadataNames.EvaluationData)),
                Teacher = FullPath(settings.Value(parsed, MetadataNames.Teacher)),
                Student = FullPath(settings.Value(parsed, MetadataNames.Student)),
                TrainingData = FullPath(settings.Value(parsed, MetadataNames.TrainingData)),
                Measurement = parsed.GetValue(measurement),
                Runtime = parsed.GetValue(runtimeVersion) is { } version ? new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = version } : null,
                OutputPath = artifact,
                CacheDirectory = parsed.GetValue(cache)?.FullName,
                TrainedWeightsDirectory = parsed.GetValue(trainedWeights)?.FullName,
                RemoteCache = parsed.GetValue(remoteCache),
                TimeoutSeconds = parsed.GetValue(timeout) is { } limit && Quantity.TryParseDuration(limit, out double milliseconds) ? milliseconds / 1000 : null,
            };
            OptimizationResult result = ConsoleProgress.Show(name, progress => new OptimizationPipeline(progress).Run(request, cancellation));
            int written = parsed.GetValue(json) is { } file ? ModelCommand.Write(result, file.FullName) : ModelCommand.Succeeded;
            ResultTable.Print(result, parsed.GetValue(json)?.FullName);
            if (parsed.GetValue(explain))
            {
                SearchStory.Print(result);
            }

            return Math.Max(written, ModelCommand.Report(result.Diagnostics));
        }), cancellation));
        return command;
    }

    private static string? FullPath(string? path) => string.IsNullOrWhiteSpace(path) ? null : Path.GetFullPath(path);

    private static string Choices<T>() where T : struct, Enum => string.Join(", ", Choice.Names<T>());
}
