using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>10·log₁₀(Σ y² / Σ (y' − y)²) in decibels against the original's outputs, of the worst output; infinite when they are equal. Of outputs of another size all is noise.</summary>
internal sealed class SignalToNoise : Metric
{
    internal override bool TakesAnySize => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        double[] kept = new double[2 * outputs.Count];
        for (int i = 0; i < outputs.Count; i++)
        {
            float[] found = outputs[i].ToSingles();
            float[] expected = reference[i].ToSingles();
            if (found.Length != expected.Length)
            {
                kept[2 * i] = expected.Sum(value => (double)value * value);
                kept[2 * i + 1] = kept[2 * i] + found.Sum(value => (double)value * value);
                continue;
            }

            for (int k = 0; k < expected.Length; k++)
            {
                double noise = (double)found[k] - expected[k];
                kept[2 * i] += (double)expected[k] * expected[k];
                kept[2 * i + 1] += noise * noise;
            }
        }

        return kept;
    }

    internal override Func<int[], double> Scorer(double[][] kept) => weights =>
    {
        double worst = double.PositiveInfinity;
        for (int output = 0; output < kept[0].Length; output += 2)
        {
            double noise = Mean(kept, output + 1, weights);
            worst = Math.Min(worst, noise == 0 ? double.PositiveInfinity : double.IsNaN(noise) ? double.NegativeInfinity : 10 * Math.Log10(Mean(kept, output, weights) / noise));
        }

        return worst;
    };
}
