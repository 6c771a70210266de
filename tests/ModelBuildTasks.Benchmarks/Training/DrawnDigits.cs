using MeterReader.Training.Drawing;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Images like those that the sample's model was trained on, and none of those that it is judged by: of another seed, without labels.</summary>
internal sealed class DrawnDigits(int count) : Dataset
{
    private const ulong Seed = 77;

    private readonly Lazy<DigitImage[]> images = new(() => DigitImage.DrawMany(Seed, StreamPurpose.TrainingImages, count));

    public override string Path => "drawn digits";

    public override int Count => count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => images.Value.Select(image =>
        new Sample([Tensor.Create([1, 1, DigitImage.Height, DigitImage.Width], Array.ConvertAll(image.Pixels, pixel => pixel / 255f))], null));
}
