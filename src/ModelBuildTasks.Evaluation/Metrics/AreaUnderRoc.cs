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
        float[] scores = ClassScores.Of(outputs);
        if (scores.Length > MostClasses)
        {
            throw new MetricException($"AreaUnderRoc ranks up to {MostClasses} classes; the model has {scores.Length}. Use Top1 or F1.");
        }

        if (scores.Length <= 2)
        {
            return [expected, scores.Length == 1 ? scores[0] : scores[1] - scores[0]];
        }

        // Logits of different samples cannot be ranked against each other; probabilities can. Their logarithms rank alike and do not round to 0 or 1.
        bool probabilities = scores.All(score => score >= 0) && Math.Abs(TensorPrimitives.Sum<float>(scores) - 1) < 1e-2;
        double largest = TensorPrimitives.Max<float>(scores);
        double total = probabilities ? 0 : largest + Math.Log(scores.Sum(score => Math.Exp(score - largest)));
        return [expected, .. scores.Select(score => score - total)];
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        int columns = kept[0].Length - 1;
        int[][] orders = [.. Enumerable.Range(1, columns).Select(column =>
        {
            int[] order = [.. Enumerable.Range(0, kept.Length)];
            Array.Sort(Array.ConvertAll(order, i => kept[i][column]), order);
            return order;
        })];
        return weights =>
        {
            double sum = 0;
            int present = 0;
            for (int column = 0; column < columns; column++)
            {
                double area = Area(kept, orders[column], column + 1, columns == 1 ? 1 : column, weights);
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

    private static double Area(double[][] kept, int[] order, int column, int positive, int[] weights)
    {
        double pairs = 0;
        long below = 0, positives = 0;
        for (int i = 0; i < order.Length;)
        {
            double score = kept[order[i]][column];
            long tiedPositives = 0, tiedNegatives = 0;
            do
            {
                if (kept[order[i]][0] == positive)
                {
                    tiedPositives += weights[order[i]];
                }
                else
                {
                    tiedNegatives += weights[order[i]];
                }
            }
            while (++i < order.Length && kept[order[i]][column].Equals(score));

            pairs += tiedPositives * (below + tiedNegatives / 2.0);
            below += tiedNegatives;
            positives += tiedPositives;
        }

        return positives == 0 || below == 0 ? double.NaN : pairs / ((double)positives * below);
    }
}
