using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>A model that a project names besides the one that it optimizes: a teacher or a student, with the same inputs and outputs.</summary>
internal static class OtherModel
{
    /// <param name="metadata">The metadata that names it.</param>
    /// <param name="path">Full path.</param>
    /// <param name="source">The model that it is to be like.</param>
    /// <exception cref="OtherModelException">It can't be read or run, or has other inputs or outputs.</exception>
    internal static SourceModel Load(string metadata, string path, SourceModel source)
    {
        SourceModel other;
        try
        {
            other = SourceModel.Load(path);
        }
        catch (ModelFormatException fault)
        {
            throw new OtherModelException(FaultDiagnostics.Of(fault, path));
        }
        catch (InferenceException fault)
        {
            throw new OtherModelException(FaultDiagnostics.Of(fault, path));
        }

        if ((Difference("input", other.Session.Inputs, source.Session.Inputs) ?? Difference("output", other.Session.Outputs, source.Session.Outputs)) is { } difference)
        {
            other.Dispose();
            throw new OtherModelException(Diagnostic.Create(DiagnosticCatalogue.SignatureDiffers, path, metadata, path, difference));
        }

        return other;
    }

    /// <summary>In what two lists differ, as a clause; samples are fed by position, so that the order counts.</summary>
    private static string? Difference(string kind, IReadOnlyList<TensorSignature> found, IReadOnlyList<TensorSignature> expected)
    {
        if (found.Count != expected.Count)
        {
            return $"it has {found.Count} {kind}{(found.Count == 1 ? "" : "s")}, the model has {expected.Count}";
        }

        return Enumerable.Range(0, found.Count).FirstOrDefault(i => !AreAlike(found[i], expected[i]), -1) is >= 0 and var other
            ? $"its {kind} {found[other]} is {expected[other]} in the model" : null;
    }

    /// <summary>A size that one of them leaves open fits any.</summary>
    private static bool AreAlike(TensorSignature a, TensorSignature b) =>
        a.Name == b.Name && a.ElementType == b.ElementType && a.Shape.Count == b.Shape.Count
        && a.Shape.Zip(b.Shape).All(pair => pair.First.Size is not { } first || pair.Second.Size is not { } second || first == second);
}

/// <summary>A teacher or a student can't serve.</summary>
/// <param name="diagnostic">Why.</param>
internal sealed class OtherModelException(Diagnostic diagnostic) : Exception(diagnostic.Message)
{
    internal Diagnostic Diagnostic => diagnostic;
}
