using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>Share of samples whose class is among the <paramref name="places"/> best scores; of equal scores the lower index comes first.</summary>
internal sealed class TopHits(int places) : Metric
{
    internal override bool IsOfClasses => true;

    internal override bool IsShareOfSamples => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        int expected = ClassScores.Label(label, outputs);
        return [(places == 1 ? ClassScores.Predicted(outputs) == expected : Rank(ClassScores.Of(outputs), expected) < places) ? 1 : 0];
    }

    private static int Rank(ReadOnlySpan<float> scores, int expected)
    {
        int rank = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            // What is not a number has no place: it must not let the expected class pass.
            bool before = i < expected ? scores[i] >= scores[expected] : scores[i] > scores[expected];
            rank += before || float.IsNaN(scores[i]) || float.IsNaN(scores[expected]) ? 1 : 0;
        }

        return rank;
    }
}
