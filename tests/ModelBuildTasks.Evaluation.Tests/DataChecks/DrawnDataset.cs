using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.DataChecks;

/// <summary>Samples made by a function of their index.</summary>
internal sealed class DrawnDataset(int count, Func<int, Sample> make) : Dataset
{
    public override string Path => "drawn";

    public override int Count => count;

    public override bool HasLabels => make(0).Label is not null;

    public override IEnumerable<Sample> Read() => Enumerable.Range(0, count).Select(make);

    /// <summary>Noise around the same picture is alike; around another it is not.</summary>
    internal static Sample Image(int picture, Func<float, float>? edit = null, long? label = null)
    {
        Random random = new(picture);
        float[] blocks = [.. Enumerable.Range(0, 64).Select(_ => random.NextSingle())];
        float[] pixels = [.. Enumerable.Range(0, 1024).Select(i => blocks[i / 32 / 4 * 8 + i % 32 / 4]).Select(pixel => edit is null ? pixel : edit(pixel))];
        return new Sample([Tensor.Create([1, 1, 32, 32], pixels)], label is { } index ? Tensor.Scalar(index) : null);
    }

    internal static Sample Row(params float[] columns) => new([Tensor.Create([1, columns.Length], columns)], null);

    internal static TensorSignature Input(params Dimension[] shape) => new("x", ElementType.Float, shape);
}
