using System.Numerics.Tensors;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Area under the receiver operating characteristic: the chance that a sample of a class scores higher for it than one of another class,
/// ties counting half (Mann–Whitney). With more than two classes, the mean over the classes, each against the rest. Scores of the original that all lie from 0 to 1 are
/// probabilities and are ranked as they are, whatever they sum to: rounded ones and sigmoids do not sum to 1. All others are logits, of which the softmax's logarithm is ranked. Of two
/// probabilities class 1's is ranked, of two logits the difference.
/// </summary>
internal sealed class AreaUnderRoc : Metric
{
    // One number a class is kept of each sample; beyond this the ranking of single classes says little, and memory grows.
    private const int MostClasses = 256;

    // Sums of float probabilities, as of averaged models, pass 1 by some units in the last place.
    private const double Rounding = 1e-5;

    // Behind the label, and whether the original's scores of the sample could be probabilities.
    private const int FirstScore = 2;

    internal override bool IsOfClasses => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        int expected = ClassScores.Label(label, outputs);
        ReadOnlySpan<float> scores = ClassScores.Of(outputs);
        if (scores.Length > MostClasses)
        {
            throw new MetricException($"AreaUnderRoc ranks up to {MostClasses} classes; the model has {scores.Length}. Use Top1 or F1.");
        }

        // NaN says nothing of what scores are.
        bool probabilities = true;
        foreach (float score in ClassScores.Of(reference))
        {
            probabilities &= !(score < -Rounding || score > 1 + Rounding);
        }

        double[] kept = new double[FirstScore + scores.Length];
        kept[0] = expected;
        kept[1] = probabilities ? 1 : 0;
        for (int i = 0; i < scores.Length; i++)
        {
            kept[FirstScore + i] = scores[i];
        }

        return kept;
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        // One answer for all samples and both models: a logit that happens to look like a probability is none.
        bool probabilities = Array.TrueForAll(kept, sample => sample[1] == 1);
        Ranking[] rankings = (kept[0].Length - FirstScore) switch
        {
            1 => [Ranking.Of(Column(kept, FirstScore), kept, positive: 1)],
            2 => [Ranking.Of(Array.ConvertAll(kept, sample => sample[FirstScore + 1] - (probabilities ? 0 : sample[FirstScore])), kept, positive: 1)],
            int classes => OfEach(classes, probabilities ? new double[kept.Length] : Array.ConvertAll(kept, LogarithmOfSum)),
        };
        return weights =>
        {
            double sum = 0;
            int present = 0;
            foreach (Ranking ranking in rankings)
            {
                double area = ranking.Area(weights);
                if (!double.IsNaN(area))
                {
                    sum += area;
                    present++;
                }
            }

            // Without both a class and others there is nothing to rank: no better than chance.
            return present == 0 ? 0.5 : sum / present;
        };

        Ranking[] OfEach(int classes, double[] totals) =>
            [.. Enumerable.Range(0, classes).Select(column => Ranking.Of([.. kept.Select((sample, i) => sample[FirstScore + column] - totals[i])], kept, column))];
    }

    /// <summary>log Σ exp(score): what logits of different samples differ by before they can be ranked. Logarithms of probabilities rank as these do, and do not round to 0 or 1.</summary>
    private static double LogarithmOfSum(double[] sample)
    {
        double largest = TensorPrimitives.Max(sample.AsSpan(FirstScore));
        double[] exponentials = Array.ConvertAll(sample[FirstScore..], score => Math.Exp(score - largest));
        // From the smallest on, so that samples with the same scores in another order stay equal.
        Array.Sort(exponentials);
        return largest + Math.Log(exponentials.Sum());
    }

    /// <param name="Order">Samples by ascending score.</param>
    /// <param name="IsPositive">Whether the sample at each place is of the class.</param>
    /// <param name="IsTied">Whether the sample at each place scores as the one before.</param>
    private sealed record Ranking(int[] Order, bool[] IsPositive, bool[] IsTied)
    {
        internal static Ranking Of(double[] scores, double[][] kept, int positive)
        {
            int[] order = [.. Enumerable.Range(0, kept.Length)];
            Array.Sort(scores, order);
            return new Ranking(order, Array.ConvertAll(order, i => kept[i][0] == positive), [.. scores.Select((score, i) => i > 0 && score.Equals(scores[i - 1]))]);
        }

        /// <summary>Ordered pairs of a positive above a negative, of all pairs; NaN where there are none.</summary>
        internal double Area(int[] weights)
        {
            double pairs = 0;
            long below = 0, positives = 0, tiedPositives = 0, tiedNegatives = 0;
            for (int i = 0; i < Order.Length; i++)
            {
                if (!IsTied[i])
                {
                    pairs += tiedPositives * (below + tiedNegatives / 2.0);
                    below += tiedNegatives;
                    positives += tiedPositives;
                    tiedPositives = tiedNegatives = 0;
                }

                if (IsPositive[i])
                {
                    tiedPositives += weights[Order[i]];
                }
                else
                {
                    tiedNegatives += weights[Order[i]];
                }
            }

            pairs += tiedPositives * (below + tiedNegatives / 2.0);
            below += tiedNegatives;
            positives += tiedPositives;
            return positives == 0 || below == 0 ? double.NaN : pairs / ((double)positives * below);
        }
    }
}
