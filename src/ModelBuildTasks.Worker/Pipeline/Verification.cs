using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// The last gate before an artifact is accepted: ONNX Runtime loads it, it has the source model's inputs and outputs, and it
/// gives outputs of the same shape, finite where the source model's are.
/// </summary>
internal static class Verification
{
    /// <summary>Kernels of another release or for another format add in another order, and what is quantized may round to the neighbour; what is computed rightly is more alike than this.</summary>
    private const double LeastLikeness = 0.99;

    /// <param name="original">The source model.</param>
    /// <param name="artifact">What was made of it.</param>
    /// <param name="inputs">Samples for the source model.</param>
    /// <param name="io">What the artifact takes and gives where the source model has float32; null where either will do.</param>
    /// <returns>Why the artifact is not acceptable; null when it is.</returns>
    internal static string? Check(ModelSession original, ModelSession artifact, IReadOnlyList<IReadOnlyList<Tensor>> inputs, IoPrecision? io = null)
    {
        if ((Differs("input", original.Inputs, artifact.Inputs, io) ?? Differs("output", original.Outputs, artifact.Outputs, io)) is { } difference)
        {
            return difference;
        }

        foreach (IReadOnlyList<Tensor> input in inputs)
        {
            IReadOnlyList<Tensor> expected = original.Run(input);
            IReadOnlyList<Tensor> found;
            try
            {
                found = artifact.Run(input);
            }
            catch (InferenceException exception)
            {
                return $"ONNX Runtime cannot run it: {exception.Message}";
            }

            for (int i = 0; i < expected.Count; i++)
            {
                string name = original.Outputs[i].Name;
                if (!expected[i].Dimensions.SequenceEqual(found[i].Dimensions))
                {
                    return $"output '{name}' has the shape {found[i]} instead of {expected[i]}";
                }

                if (Finiteness.IsLost(found[i], expected[i]))
                {
                    return $"output '{name}' has infinite or undefined values";
                }
            }
        }

        return null;
    }

    /// <summary>The same over a whole data set, where the first samples showed nothing.</summary>
    /// <returns>Why the artifact is not acceptable; null when it is.</returns>
    internal static string? Check(AccuracyResult measured) => measured.NonFinite
        .Where(output => output.Lost > 0)
        .Select(output => $"output '{output.Output}' has infinite or undefined values, where the original's are finite, for {output.Lost} of {measured.Samples} samples")
        .FirstOrDefault();

    /// <summary>The first output that a model gives otherwise where other kernels run it.</summary>
    /// <param name="found">What it gives there, of the shapes that are expected.</param>
    /// <param name="expected">What it gives here.</param>
    /// <returns>The output and its cosine to what is expected; null when all are alike.</returns>
    internal static (int Output, double Likeness)? FirstUnlike(IReadOnlyList<Tensor> found, IReadOnlyList<Tensor> expected)
    {
        for (int i = 0; i < expected.Count; i++)
        {
            double likeness = Likeness.Of(found[i], expected[i]);
            if (likeness < LeastLikeness)
            {
                return (i, likeness);
            }
        }

        return null;
    }

    private static string? Differs(string kind, IReadOnlyList<TensorSignature> expected, IReadOnlyList<TensorSignature> found, IoPrecision? io)
    {
        if (expected.Count != found.Count)
        {
            return $"it has {found.Count} {kind}s instead of {expected.Count}";
        }

        return expected.Zip(found)
            .Where(pair => pair.First.Name != pair.Second.Name || !IsWanted(pair.First.ElementType, pair.Second.ElementType, io))
            .Select(pair => $"its {kind} {pair.Second} was {pair.First}")
            .FirstOrDefault();
    }

    private static bool IsWanted(ElementType original, ElementType found, IoPrecision? io) => (original, found) switch
    {
        (ElementType.Float, ElementType.Float16) => io != IoPrecision.Source,
        (ElementType.Float, ElementType.Float) => io != IoPrecision.Float16,
        _ => original == found,
    };
}
