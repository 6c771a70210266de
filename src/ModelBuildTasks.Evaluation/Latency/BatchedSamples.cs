using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>Samples put together to batches, where a model leaves the size of its first axis open.</summary>
public static class BatchedSamples
{
    /// <summary>Larger batches would measure the memory of the machine.</summary>
    private const long MostBytes = 1L << 30;

    /// <param name="model">The model.</param>
    /// <param name="samples">At least one, each with one tensor for each input and a first axis of length 1.</param>
    /// <param name="size">Samples in the batch; samples are repeated where there are fewer.</param>
    /// <returns>One tensor for each input; null where the model takes no such batch, or it would be too large.</returns>
    public static IReadOnlyList<Tensor>? Of(ModelSession model, IReadOnlyList<IReadOnlyList<Tensor>> samples, int size)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        bool isOpen = model.Inputs.All(input => input.Shape.Count > 0 && input.Shape[0].Size is null && input.ElementType.BitsPerElement() is 8 or 16 or 32 or 64);
        bool isAlike = samples.All(sample => sample.Select((tensor, index) => tensor.Dimensions is [1, ..] && tensor.Dimensions.SequenceEqual(samples[0][index].Dimensions)).All(fits => fits));
        return size == 1 ? samples[0]
            : isOpen && isAlike && samples[0].Sum(tensor => (long)tensor.Data.Length) * size <= MostBytes
                ? [.. Enumerable.Range(0, model.Inputs.Count).Select(input => Tensor.Concatenate([.. Enumerable.Range(0, size).Select(place => samples[place % samples.Count][input])]))]
                : null;
    }
}
