using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Samples held in memory.</summary>
internal sealed class ListedDataset(IReadOnlyList<Sample> samples) : Dataset
{
    public override string Path => "listed";

    public override int Count => samples.Count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => samples;

    /// <summary>Three tenths calibrate, the rest judges.</summary>
    internal static (Dataset Calibration, Dataset Evaluation) Split(IReadOnlyList<Sample> samples)
    {
        int border = samples.Count * 3 / 10;
        return (new ListedDataset([.. samples.Take(border)]), new ListedDataset([.. samples.Skip(border)]));
    }
}
