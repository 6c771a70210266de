using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Faults of models, data and the environment as coded diagnostics. An exception that is not one of these is a bug of ours and stays one.</summary>
internal static class FaultDiagnostics
{
    internal static Diagnostic Of(ModelFormatException fault, string modelPath) => Diagnostic.Create(
        fault.Error switch
        {
            ModelFormatError.NotOnnx => DiagnosticCatalogue.NotOnnx,
            ModelFormatError.Truncated => DiagnosticCatalogue.ModelTruncated,
            ModelFormatError.ExternalData => DiagnosticCatalogue.ExternalData,
            ModelFormatError.TensorTooLarge => DiagnosticCatalogue.TensorTooLarge,
            _ => DiagnosticCatalogue.GraphInvalid,
        },
        modelPath,
        Clause(fault.Message));

    internal static Diagnostic Of(InferenceException fault, string modelPath) =>
        Diagnostic.Create(DiagnosticCatalogue.CannotRun, modelPath, Clause(fault.Message));

    internal static Diagnostic Of(UnknownLayerException fault, string modelPath) =>
        Diagnostic.Create(DiagnosticCatalogue.UnknownValue, modelPath, MetadataNames.PruningExclude, fault.Pattern, fault.Offer);

    internal static Diagnostic Of(DatasetException fault) => Diagnostic.Create(
        fault.Error == DatasetError.DoesNotFit ? DiagnosticCatalogue.DataDoesNotFit : DiagnosticCatalogue.DataUnreadable,
        fault.Path,
        fault.Path,
        Clause(fault.Message.StartsWith($"{fault.Path}: ", StringComparison.Ordinal) ? fault.Message[(fault.Path.Length + 2)..] : fault.Message));

    internal static Diagnostic Of(MetricException fault, object metric, string dataPath) =>
        Diagnostic.Create(DiagnosticCatalogue.MetricDoesNotApply, dataPath, metric, dataPath, Clause(fault.Message));

    internal static Diagnostic Of(UndefinedOutputException fault, string modelPath, string dataPath) =>
        Diagnostic.Create(DiagnosticCatalogue.OutputUndefined, modelPath, fault.Output, fault.Samples, dataPath);

    /// <summary>What is not wrong with every sample, and so leaves something to measure.</summary>
    internal static IEnumerable<Diagnostic> Of(AccuracyResult measured, string modelPath, string dataPath) => measured.NonFinite
        .Where(output => output.Original > 0)
        .Select(output => Diagnostic.Create(DiagnosticCatalogue.OutputNotFinite, modelPath, output.Output, output.Original, measured.Samples, dataPath));

    /// <param name="fault">Why a result file cannot be read: it is none of this version, or the file system refuses.</param>
    /// <param name="path">The result file.</param>
    internal static Diagnostic OfResult(Exception fault, string path) => fault is InvalidDataException
        ? Diagnostic.Create(DiagnosticCatalogue.ResultUnreadable, path, Path.GetFileName(path), ResultReason(fault))
        : Diagnostic.Create(DiagnosticCatalogue.InputUnreadable, path, Path.GetFileName(path), fault.Message);

    /// <summary>Why a result file cannot be read, as a clause; who says it names the file.</summary>
    internal static string ResultReason(Exception fault) => Clause(fault is InvalidDataException { InnerException: { } reason } ? reason.Message : fault.Message);

    internal static Diagnostic CannotWrite(Exception fault, string path) =>
        Diagnostic.Create(DiagnosticCatalogue.CannotWrite, path, path, fault.Message);

    /// <summary>A sentence as part of another: messages end in their own full stop.</summary>
    internal static string Clause(string sentence) => sentence.ReplaceLineEndings(" ").Trim().TrimEnd('.');

    /// <summary>A sentence behind a comma or colon of another: as <see cref="Clause"/>, and it begins small where its first word is no name, as <c>MatMul</c>, <c>ONNX</c> and <c>Top1</c> are.</summary>
    internal static string Reason(string sentence)
    {
        string clause = Clause(sentence);
        string word = clause.Split(' ', 2)[0].TrimEnd(',');
        return word.Skip(1).All(letter => char.IsLower(letter) || letter == '-') ? string.Concat(word.ToLowerInvariant(), clause.AsSpan(word.Length)) : clause;
    }
}
