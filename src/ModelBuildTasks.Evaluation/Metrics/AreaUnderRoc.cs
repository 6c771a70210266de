using System.Numerics.Tensors;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Area under the receiver operating characteristic: the chance that a sample of a class scores higher for it than one of another class,
/// ties counting half (Mann–Whitney). With more than two classes, the mean over the classes, each against the rest.
/// </summary>
internal sealed class AreaUnderRoc : Metric
{
    // One number a class is kept of each sample; beyond this the ranking of single classes says little, and memory grows.
    private const int MostClasses = 256;

    internal override bool IsOfClasses => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        int expected = ClassScores.Label(label, outputs);
        ReadOnlySpan<float> scores = ClassScores.Of(outputs);
        if (scores.Length > MostClasses)
        {
            throw new MetricException($"AreaUnderRoc ranks up to {MostClasses} classes; the model has {scores.Length}. Use Top1 or F1.");
        }

        // Logits of different samples cannot be ranked against each other; probabilities can. Their logarithms rank alike and do not round to 0 or 1.
        bool probabilities = TensorPrimitives.Min(scores) >= 0 && Math.Abs(TensorPrimitives.Sum(scores) - 1) < 1e-2;
        if (scores.Length <= 2)
        {
            return [expected, scores.Length == 1 ? scores[0] : probabilities ? scores[1] : (double)scores[1] - scores[0]];
        }

        double largest = TensorPrimitives.Max(scores);
        double[] exponentials = new double[scores.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            exponentials[i] = Math.Exp(scores[i] - largest);
        }

        // From the smallest on, so that samples with the same scores in another order stay equal.
        Array.Sort(exponentials);
        double total = probabilities ? 0 : largest + Math.Log(exponentials.Sum());
        double[] kept = new double[1 + scores.Length];
        kept[0] = expected;
        for (int i = 0; i < scores.Length; i++)
        {
            kept[1 + i] = scores[i] - total;
        }

        return kept;
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        int columns = kept[0].Length - 1;
        Ranking[] rankings = [.. Enumerable.Range(0, columns).Select(column => Ranking.Of(kept, column + 1, columns == 1 ? 1 : column))];
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
    }

    /// <param name="Order">Samples by ascending score.</param>
    /// <param name="IsPositive">Whether the sample at each place is of the class.</param>
    /// <param name="IsTied">Whether the sample at each place scores as the one before.</param>
    private sealed record Ranking(int[] Order, bool[] IsPositive, bool[] IsTied)
    {
        internal static Ranking Of(double[][] kept, int column, int positive)
        {
            int[] order = [.. Enumerable.Range(0, kept.Length)];
            double[] scores = Array.ConvertAll(order, i => kept[i][column]);
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
