using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>Settings that are each fine and cannot both be obeyed.</summary>
public static class Contradictions
{
    /// <summary>What can't be made for a target, as a clause; null when all can.</summary>
    public static string? OfTarget(ModelSettings settings, string target) =>
        settings.Format == ArtifactFormat.Ort && !target.StartsWith(TargetNames.Cpu, StringComparison.Ordinal)
            ? $"Format=\"Ort\" fixes the graph for the processor, and {target} takes ONNX models, of which its own compiler makes what it runs; choose Format=\"Onnx\" for it (in an OptimizedModelTarget, where other targets stay in ORT format)"
            : null;

    private static IEnumerable<Diagnostic> OfTraining(string name, ModelSettings settings, string? file, Func<string, string?> metadata)
    {
        var fineTune = $"{MetadataNames.FineTune}=\"{settings.FineTune}\"";
        if (settings.FineTune == FineTune.None)
        {
            foreach (var part in new[] { MetadataNames.Teacher, MetadataNames.Student, MetadataNames.TrainingData, MetadataNames.FineTuneEpochs }.Where(IsWritten))
            {
                yield return Contradiction($"{part} belongs to training, and FineTune is \"None\"");
            }

            yield break;
        }

        if (settings.FineTune == FineTune.QuantizationAware && !IsWritten(MetadataNames.CalibrationData))
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.NoCalibrationData, file, name, fineTune);
        }
        else if (!IsWritten(MetadataNames.CalibrationData) && !IsWritten(MetadataNames.TrainingData))
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.NoTrainingData, file, name, fineTune);
        }

        if (settings.FineTune == FineTune.QuantizationAware && !settings.MayBeStatic)
        {
            yield return Contradiction($"{fineTune} trains what static quantization makes, and {settings.Numbers} makes something else");
        }

        if (settings.FineTune == FineTune.Distill && settings.Pruning == Pruning.None && !settings.MayBeStatic && !IsWritten(MetadataNames.Student))
        {
            yield return Contradiction($"{fineTune} gives back what pruning or static quantization costs, or teaches a Student, and {settings.Numbers} without Pruning has none of these");
        }

        if (settings.FineTune != FineTune.Auto && settings.Pruning == Pruning.Auto)
        {
            yield return Contradiction($"{fineTune} trains what is named, Pruning=\"Auto\" searches for how much is removed; name a Pruning and its Sparsity");
        }

        bool IsWritten(string metadataName) => !string.IsNullOrWhiteSpace(metadata(metadataName));
        Diagnostic Contradiction(string clause) => Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, file, clause);
    }

    internal static IEnumerable<Diagnostic> Check(string name, ModelSettings settings, ModelBudgets budgets, string? file, Func<string, string?> metadata)
    {
        var isFloat = settings.Precision is Precision.Float32 or Precision.Float16;
        var introducesIntegers = settings.Quantization is Quantization.Static or Quantization.Dynamic or Quantization.WeightOnly;
        var hasAccuracyBudget = budgets.MinAccuracy is not null || budgets.MaxAccuracyDrop is not null || budgets.MaxClassAccuracyDrop is not null;

        if (settings.Quantization == Quantization.Static && IsAbsent(MetadataNames.CalibrationData))
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.NoCalibrationData, file, name, $"{MetadataNames.Quantization}=\"{settings.Quantization}\"");
        }

        if (settings.Pruning is Pruning.SecondOrder or Pruning.TwoFour or Pruning.Surgery or Pruning.Auto && IsAbsent(MetadataNames.CalibrationData))
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.NoCalibrationData, file, name, $"{MetadataNames.Pruning}=\"{settings.Pruning}\"");
        }

        foreach (var finding in OfTraining(name, settings, file, metadata))
        {
            yield return finding;
        }

        if (isFloat && introducesIntegers)
        {
            yield return Contradiction($"Precision=\"{settings.Precision}\" keeps floating point, Quantization=\"{settings.Quantization}\" introduces integers");
        }

        if (settings.Precision is Precision.Int8 or Precision.Int4 or Precision.Int2 or Precision.Binary && settings.Quantization == Quantization.None)
        {
            yield return Contradiction($"Precision=\"{settings.Precision}\" needs quantization, Quantization is \"None\"");
        }

        // Static quantization has a form with weights of 4 bits.
        if (settings.Precision is Precision.Int4 && settings.Quantization == Quantization.Dynamic
            || settings.Precision is Precision.Int2 or Precision.Binary && settings.Quantization is Quantization.Static or Quantization.Dynamic)
        {
            yield return Contradiction($"Precision=\"{settings.Precision}\" is a form of weights alone, Quantization=\"{settings.Quantization}\" computes in 8-bit integers");
        }

        if (settings.Pruning is Pruning.None or Pruning.Threshold or Pruning.TwoFour or Pruning.Auto && settings.Sparsity > 0)
        {
            yield return Contradiction($"Sparsity asks for a share of the weights, Pruning is \"{settings.Pruning}\"");
        }

        if (settings.Pruning is Pruning.Magnitude or Pruning.SecondOrder or Pruning.Surgery && settings.Sparsity == 0)
        {
            yield return Contradiction($"Pruning=\"{settings.Pruning}\" needs a Sparsity above 0");
        }

        if (settings.Pruning == Pruning.Threshold && settings.PruningThreshold is null)
        {
            yield return Contradiction("Pruning=\"Threshold\" needs a PruningThreshold");
        }

        if (settings.Pruning is Pruning.Structured or Pruning.Auto && !IsAbsent(MetadataNames.PruningScope))
        {
            yield return Contradiction($"PruningScope says where a share of the weights is reached, Pruning=\"{settings.Pruning}\" removes channels");
        }

        if (settings.Pruning is not (Pruning.None or Pruning.Structured or Pruning.Auto) && settings.Precision == Precision.Binary)
        {
            yield return Contradiction($"Pruning=\"{settings.Pruning}\" makes weights zero, Precision=\"Binary\" stores signs, which have no zero");
        }

        if (settings.PruningThreshold is not null && settings.Pruning != Pruning.Threshold)
        {
            yield return Contradiction($"PruningThreshold belongs to Pruning=\"Threshold\", Pruning is \"{settings.Pruning}\"");
        }

        if (settings.Pruning == Pruning.Auto && IsAbsent(MetadataNames.EvaluationData))
        {
            yield return Contradiction("Pruning=\"Auto\" removes what the accuracy allows, which needs EvaluationData to be judged on, and there is none; add some, or choose Pruning=\"Structured\" with a Sparsity");
        }

        // That latency or accuracy comes first may be said of any model; the smallest of one form is a misunderstanding.
        if (settings.Objective is Objective.Size or Objective.Memory && !settings.LeavesChoice)
        {
            var named = settings.LeavesNumbers ? $"FineTune=\"{settings.FineTune}\"" : settings.Precision == Precision.Auto ? $"Quantization=\"{settings.Quantization}\"" : $"Precision=\"{settings.Precision}\"";
            yield return Contradiction($"Objective=\"{settings.Objective}\" chooses among forms of the model, {named} names the one that is made; leave the choice to Auto, or Objective out (in an OptimizedModelTarget, write Objective=\"Latency\")");
        }

        if (settings.PruningExclude.Count > 0 && settings.Pruning == Pruning.None)
        {
            yield return Contradiction("PruningExclude names layers that are not to be pruned, Pruning is \"None\"");
        }

        if (hasAccuracyBudget && IsAbsent(MetadataNames.EvaluationData))
        {
            yield return Contradiction("an accuracy budget needs EvaluationData to be judged on, and there is none");
        }

        if (budgets.MinAccuracy > 1 && settings.Metric is not (Metric.Auto or Metric.MeanSquaredError or Metric.MeanAbsoluteError or Metric.SignalToNoise))
        {
            yield return Contradiction($"MinAccuracy is above 1, which {settings.Metric} never reaches");
        }

        if (!IsAbsent(MetadataNames.ExportInputs) && IsAbsent(MetadataNames.ExportCommand))
        {
            yield return Contradiction("ExportInputs says what an ExportCommand makes the model from, and there is none");
        }

        if (Is(MetadataNames.Compress, "true") && Is(MetadataNames.Embed, "false"))
        {
            yield return Contradiction("Compress=\"true\" compresses the embedded model, Embed=\"false\" puts the model beside the app as a file that ONNX Runtime reads itself");
        }

        bool Is(string name, string value) => string.Equals(metadata(name)?.Trim(), value, StringComparison.OrdinalIgnoreCase);
        bool IsAbsent(string name) => string.IsNullOrWhiteSpace(metadata(name));
        Diagnostic Contradiction(string clause) => Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, file, clause);
    }
}
