using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// The last gate before an artifact is accepted: ONNX Runtime loads it, it has the source model's inputs and outputs, and it
/// gives outputs of the same shape, finite where the source model's are.
/// </summary>
internal static class Verification
{
    /// <returns>Why the artifact is not acceptable; null when it is.</returns>
    internal static string? Check(ModelSession original, ModelSession artifact, IReadOnlyList<IReadOnlyList<Tensor>> inputs)
    {
        if ((Differs("input", original.Inputs, artifact.Inputs) ?? Differs("output", original.Outputs, artifact.Outputs)) is { } difference)
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

                if (IsFinite(expected[i]) && !IsFinite(found[i]))
                {
                    return $"output '{name}' has infinite or undefined values";
                }
            }
        }

        return null;
    }

    private static string? Differs(string kind, IReadOnlyList<TensorSignature> expected, IReadOnlyList<TensorSignature> found)
    {
        if (expected.Count != found.Count)
        {
            return $"it has {found.Count} {kind}s instead of {expected.Count}";
        }

        return expected.Zip(found)
            .Where(pair => pair.First.Name != pair.Second.Name || pair.First.ElementType != pair.Second.ElementType)
            .Select(pair => $"its {kind} {pair.Second} was {pair.First}")
            .FirstOrDefault();
    }

    private static bool IsFinite(Tensor tensor) => tensor.ElementType switch
    {
        Onnx.ElementType.Float => TensorPrimitives.IsFiniteAll(tensor.Span<float>()),
        Onnx.ElementType.Double => TensorPrimitives.IsFiniteAll(tensor.Span<double>()),
        Onnx.ElementType.Float16 => TensorPrimitives.IsFiniteAll(tensor.Span<Half>()),
        _ => true,
    };
}
