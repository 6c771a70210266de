using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Inputs to run both models on: real samples where the project has data, else drawn ones.</summary>
internal static class TrialInputs
{
    /// <summary>Latency may depend on the content of a sample, but a handful tells; more would only be held in memory.</summary>
    private const int MostSamples = 8;

    /// <summary>Sizes tried for dimensions that the model leaves open: sequence models run on 1, image models want a multiple of 32.</summary>
    private static readonly long[] OpenSizes = [1, 32, 224, 512];

    /// <summary>Bytes.</summary>
    private const int LargestDrawn = 1 << 30;

    /// <returns>One list of tensors a sample; empty when the model runs on none of the drawn inputs.</returns>
    internal static IReadOnlyList<IReadOnlyList<Tensor>> For(ModelSession model, Dataset? data)
    {
        if (data is not null)
        {
            return [.. data.Read().Take(MostSamples).Select(sample => sample.Inputs)];
        }

        foreach (long size in OpenSizes)
        {
            try
            {
                IReadOnlyList<Tensor> drawn = [.. model.Inputs.Select((input, index) => Draw(input, size, seed: index))];
                using SessionRun run = model.RunBorrowed(drawn);
                return [drawn];
            }
            catch (Exception exception) when (exception is InferenceException or NotSupportedException)
            {
                // This size does not fit the model; the next may.
            }
        }

        return [];
    }

    private static Tensor Draw(TensorSignature input, long openSize, int seed)
    {
        // The first dimension is the batch.
        long[] dimensions = [.. input.Shape.Select((dimension, axis) => dimension.Size ?? (axis == 0 ? 1 : openSize))];
        if (input.ResizedTo is { } size)
        {
            (dimensions[^3], dimensions[^2]) = (size.Height, size.Width);
        }

        // In floating point, which bears any product of sizes.
        if (dimensions.Aggregate(input.ElementType.BitsPerElement() / 8.0, (product, size) => product * size) > LargestDrawn)
        {
            throw new NotSupportedException($"Input {input} is too large to draw.");
        }

        long count = dimensions.Aggregate(1L, (product, size) => product * size);
        Random random = new(seed);
        byte[] drawn = new byte[input.ElementType.ByteLength(count)];
        if (input.IsPreprocessed && input.ElementType is ElementType.UInt8 or ElementType.UInt16 or ElementType.Int16)
        {
            random.NextBytes(drawn);
        }

        // Integers that nothing is known of may be tokens, of which 0 is the only one that every model has.
        return input.ElementType switch
        {
            ElementType.Float => Tensor.Create(dimensions, Enumerable.Range(0, (int)count).Select(_ => random.NextSingle()).ToArray()),
            ElementType.Double => Tensor.Create(dimensions, Enumerable.Range(0, (int)count).Select(_ => random.NextDouble()).ToArray()),
            ElementType.BFloat16 => Tensor.CreateBFloat16(dimensions, [.. Enumerable.Range(0, (int)count).Select(_ => random.NextSingle())]),
            ElementType.Float16 => Tensor.Create(dimensions, Enumerable.Range(0, (int)count).Select(_ => (Half)random.NextSingle()).ToArray()),
            _ => Tensor.FromBytes(input.ElementType, dimensions, drawn),
        };
    }
}
