using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Noise of the inputs' shapes, drawn sample by sample: what is measured is the work, not the data.</summary>
internal sealed class GeneratedDataset(IReadOnlyList<TensorSignature> inputs, int count) : Dataset
{
    public override string Path => "generated";

    public override int Count => count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read()
    {
        Random random = new(0);
        for (int i = 0; i < count; i++)
        {
            yield return new Sample([.. inputs.Select(input => Draw(input, random))], null);
        }
    }

    private static Tensor Draw(TensorSignature input, Random random)
    {
        long[] dimensions = [.. input.Shape.Select(dimension => dimension.Size ?? 1)];
        float[] values = new float[dimensions.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (2 * random.NextSingle()) - 1;
        }

        return Tensor.Create(dimensions, values);
    }
}
