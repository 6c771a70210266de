using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What the data sets of a project say of themselves: samples that are judged by and were learned from, labels that hide something, and the distributions that later data is held against.</summary>
internal static class DataFindings
{
    /// <param name="outcome">What came of the model. Findings on data that another machine may have put there are replaced.</param>
    /// <param name="calibration">The calibration data; null for none.</param>
    /// <param name="evaluation">The evaluation data; null for none.</param>
    /// <param name="training">The training data; null for none of its own.</param>
    /// <param name="model">The source model.</param>
    /// <param name="cancellation">Stops between samples.</param>
    internal static Outcome Add(Outcome outcome, DataSurvey? calibration, DataSurvey? evaluation, DataSurvey? training, ModelSession model, CancellationToken cancellation)
    {
        calibration?.ReadRest(cancellation);
        evaluation?.ReadRest(cancellation);
        training?.ReadRest(cancellation);
        List<Note> notes = [.. outcome.Notes.Where(note => note.Code != DiagnosticCatalogue.SharedSamples.Code && note.Code != DiagnosticCatalogue.LabelProblem.Code)];
        foreach ((DataSurvey? fitted, string name) in new[] { (calibration, MetadataNames.CalibrationData), (training, MetadataNames.TrainingData) })
        {
            if (fitted is not null && evaluation?.SharedWith(fitted) is { } shared)
            {
                notes.Add(Note.Of(DiagnosticCatalogue.SharedSamples, Clause(shared, fitted, name, evaluation)));
            }
        }

        bool countsAnswers = outcome.Accuracy?.Metric is MetricKind.Top1 or MetricKind.Top5;
        notes.AddRange((evaluation?.LabelProblems(ClassesOf(model), countsAnswers) ?? []).Select(problem => Note.Of(DiagnosticCatalogue.LabelProblem, problem)));
        return outcome with { Notes = notes, CalibratedInputs = calibration?.Distributions ?? [] };
    }

    private static string Clause(SharedSamples shared, DataSurvey fitted, string name, DataSurvey evaluation)
    {
        if (shared.IsWhole)
        {
            return $"EvaluationData holds the very samples that {name} holds";
        }

        List<string> parts = [];
        if (shared.Exact > 0)
        {
            parts.Add($"{shared.Exact} of {Quantities.Count(shared.Samples, "sample", "samples")} of EvaluationData {(shared.Exact == 1 ? "is" : "are")} in {name}, too");
        }

        if (shared.Near > 0)
        {
            parts.Add($"{shared.Near} of {Quantities.Count(shared.Samples, "sample", "samples")} of EvaluationData {(shared.Near == 1 ? "is a near copy of one" : "are near copies of samples")} in {name}");
        }

        IEnumerable<string> examples = shared.Examples.Select(pair => $"'{evaluation.Data.NameOf(pair.Evaluation)}' (there '{fitted.Data.NameOf(pair.Calibration)}')");
        return $"{string.Join(", and ", parts)}, such as {string.Join(", ", examples)}";
    }

    /// <summary>Scores of the first output; null where it is no vector of fixed length.</summary>
    internal static long? ClassesOf(ModelSession model)
    {
        long?[] sizes = [.. model.Outputs[0].Shape.Skip(1).Select(dimension => dimension.Size).Where(size => size != 1)];
        return sizes.Length == 1 ? sizes[0] : null;
    }
}
