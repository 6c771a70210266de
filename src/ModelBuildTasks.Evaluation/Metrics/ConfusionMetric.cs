using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// A function of precision and recall, averaged over the classes that occur as label or prediction ("macro"). A ratio 0/0 is 0
/// (as scikit-learn's precision_recall_fscore_support with average="macro", zero_division=0).
/// </summary>
internal sealed class ConfusionMetric(Func<double, double, double> combine) : Metric
{
    internal override bool IsOfClasses => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label) =>
        [ClassScores.Label(label, outputs), ClassScores.Predicted(outputs)];

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        int classes = (int)kept.Max(pair => Math.Max(pair[0], pair[1])) + 1;
        return weights =>
        {
            Span<long> hits = new long[classes];
            Span<long> labelled = new long[classes];
            Span<long> predicted = new long[classes];
            for (int i = 0; i < weights.Length; i++)
            {
                (int label, int prediction) = ((int)kept[i][0], (int)kept[i][1]);
                labelled[label] += weights[i];
                if (prediction != ClassScores.None)
                {
                    predicted[prediction] += weights[i];
                    hits[label] += label == prediction ? weights[i] : 0;
                }
            }

            double sum = 0;
            int present = 0;
            for (int c = 0; c < classes; c++)
            {
                if (labelled[c] + predicted[c] > 0)
                {
                    present++;
                    sum += combine(Ratio(hits[c], predicted[c]), Ratio(hits[c], labelled[c]));
                }
            }

            return sum / present;
        };
    }

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
