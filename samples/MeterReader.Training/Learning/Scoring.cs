using MeterReader.Training.Drawing;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace MeterReader.Training.Learning;

/// <summary>Share of digits that a model reads right, in all and by style.</summary>
internal sealed record Scoring(double Accuracy, IReadOnlyDictionary<MeterStyle, double> ByStyle)
{
    private const int BatchSize = 64;

    public static Scoring Of(Model model, IReadOnlyList<DigitImage> images)
    {
        using ModelSession session = ModelSession.Open(model, new SessionSettings(Threads: Environment.ProcessorCount));
        List<(MeterStyle Style, bool Right)> outcomes = new(images.Count);
        foreach (DigitImage[] batch in images.Chunk(BatchSize))
        {
            using SessionRun run = session.RunBorrowed([Batch.Pixels(batch)]);
            ReadOnlySpan<float> scores = run.Span<float>(0);
            for (int i = 0; i < batch.Length; i++)
            {
                ReadOnlySpan<float> row = scores.Slice(i * DigitNetwork.Classes, DigitNetwork.Classes);
                int best = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row);
                outcomes.Add((batch[i].Style, best == batch[i].Label));
            }
        }

        return new Scoring(
            outcomes.Average(outcome => outcome.Right ? 1.0 : 0),
            outcomes.GroupBy(outcome => outcome.Style).ToDictionary(group => group.Key, group => group.Average(outcome => outcome.Right ? 1.0 : 0)));
    }

    public override string ToString() =>
        $"{Accuracy:P2} ({string.Join(", ", ByStyle.OrderBy(entry => entry.Key).Select(entry => $"{entry.Key.ToString().ToLowerInvariant()} {entry.Value:P2}"))})";
}
