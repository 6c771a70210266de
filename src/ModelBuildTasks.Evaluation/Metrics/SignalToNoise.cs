using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>10·log₁₀(Σ y² / Σ (y' − y)²) in decibels against the original's outputs, of the worst output; infinite when they are equal. Of outputs of another size all is noise.</summary>
internal sealed class SignalToNoise : Metric
{
    internal override bool TakesAnySize => true;

    internal override bool IsAgainstOriginal => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        double[] kept = new double[2 * outputs.Count];
        for (int i = 0; i < outputs.Count; i++)
        {
            ReadOnlySpan<float> found = outputs[i].AsSingles();
            ReadOnlySpan<float> expected = reference[i].AsSingles();
            (kept[2 * i], kept[2 * i + 1]) = found.Length == expected.Length
                ? DoubleSums.SignalAndNoise(found, expected)
                : (SumOfSquares(expected), SumOfSquares(expected) + SumOfSquares(found));
        }

        return kept;
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        (double[] Signal, double[] Noise)[] outputs = [.. Enumerable.Range(0, kept[0].Length / 2).Select(output => (Column(kept, 2 * output), Column(kept, 2 * output + 1)))];
        return weights => outputs.Min(output =>
        {
            double noise = Mean(output.Noise, weights);
            return noise == 0 ? double.PositiveInfinity : double.IsNaN(noise) ? double.NegativeInfinity : 10 * Math.Log10(Mean(output.Signal, weights) / noise);
        });
    }

    private static double SumOfSquares(ReadOnlySpan<float> values) => DoubleSums.Products(values, values).Dot;
}
