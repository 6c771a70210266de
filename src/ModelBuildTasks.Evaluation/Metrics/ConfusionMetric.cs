using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// A function of precision and recall: of the positive class where there are two ("binary"), else averaged over the classes that occur as label or prediction ("macro"),
/// or of the sums of all classes' counts ("micro"). A ratio 0/0 is 0 (as scikit-learn's precision_recall_fscore_support with zero_division=0).
/// </summary>
/// <param name="combine">From precision and recall to the score.</param>
/// <param name="average">How, when the data set states it.</param>
/// <param name="positive">The class that "binary" is about.</param>
internal sealed class ConfusionMetric(Func<double, double, double> combine, Averaging? average, int positive) : Metric
{
    internal override bool IsOfClasses => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label) =>
        [ClassScores.Label(label, outputs), ClassScores.Predicted(outputs), ClassScores.AreTwo(outputs) ? 1 : 0];

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        // Numbered by their order: a model may answer with any integer, and counts must not grow with it.
        double[] present = [.. kept.SelectMany(sample => sample[..2]).Where(index => index != ClassScores.None).Distinct().Order()];
        int Place(double index) => index == ClassScores.None ? ClassScores.None : Array.BinarySearch(present, index);
        int[] labels = Array.ConvertAll(kept, sample => Place(sample[0]));
        int[] predictions = Array.ConvertAll(kept, sample => Place(sample[1]));
        int judged = Array.BinarySearch(present, positive);
        Averaging averaging = average ?? (kept[0][2] == 1 ? Averaging.Binary : Averaging.Macro);
        return weights =>
        {
            Span<long> hits = new long[present.Length];
            Span<long> labelled = new long[present.Length];
            Span<long> predicted = new long[present.Length];
            for (int i = 0; i < weights.Length; i++)
            {
                labelled[labels[i]] += weights[i];
                if (predictions[i] != ClassScores.None)
                {
                    predicted[predictions[i]] += weights[i];
                    hits[labels[i]] += labels[i] == predictions[i] ? weights[i] : 0;
                }
            }

            return averaging switch
            {
                Averaging.Binary => judged >= 0 ? Score(hits[judged], predicted[judged], labelled[judged]) : 0,
                Averaging.Micro => Score(Sum(hits), Sum(predicted), Sum(labelled)),
                _ => Macro(hits, predicted, labelled),
            };
        };
    }

    private double Macro(ReadOnlySpan<long> hits, ReadOnlySpan<long> predicted, ReadOnlySpan<long> labelled)
    {
        double sum = 0;
        int present = 0;
        for (int c = 0; c < hits.Length; c++)
        {
            if (labelled[c] + predicted[c] > 0)
            {
                present++;
                sum += Score(hits[c], predicted[c], labelled[c]);
            }
        }

        return sum / present;
    }

    private double Score(long hits, long predicted, long labelled) => combine(Ratio(hits, predicted), Ratio(hits, labelled));

    private static long Sum(ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (long count in counts)
        {
            sum += count;
        }

        return sum;
    }

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
