using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>Counts the labels of a data set, and tells what accuracy measured on them cannot show.</summary>
internal sealed class LabelTally
{
    /// <summary>With this many samples for each class of the model, a class of average size is missing by chance once in 22,000 times (e^−10).</summary>
    private const int SamplesAClass = 10;

    /// <summary>Models of more classes are evaluated on a part of them as a matter of course.</summary>
    private const int MostClasses = 100;

    /// <summary>The share of one class from which on a model that knows no other looks good.</summary>
    private const double LargestShare = 0.95;

    /// <summary>Fewer samples tell nothing of shares.</summary>
    private const int FewestSamples = 20;

    private const int MostNamed = 5;
    private readonly SortedDictionary<long, int> classes = [];
    private readonly Dictionary<ulong, (int Index, long Label)> labels = [];
    private (int First, int Second)? conflict;
    private int conflicts;
    private int classified;
    private int measured;
    private float[]? value;
    private bool isConstant = true;

    internal void Add(int index, Sample sample, SampleFingerprint fingerprint)
    {
        if (sample.Label is not { } label)
        {
            return;
        }

        if (!sample.HasClass)
        {
            measured++;
            value ??= label.ToSingles();
            isConstant = isConstant && label.AsSingles().SequenceEqual(value);
            return;
        }

        classified++;
        long number = label.Span<long>()[0];
        classes[number] = classes.GetValueOrDefault(number) + 1;
        // Rows of small tables are equal by chance, and may well have several answers.
        if (fingerprint.Look is null || labels.TryAdd(fingerprint.Content, (index, number)) || labels[fingerprint.Content].Label == number)
        {
            return;
        }

        conflicts++;
        conflict ??= (labels[fingerprint.Content].Index, index);
    }

    /// <summary>What is wrong with the labels, each as a clause.</summary>
    /// <param name="classesOfModel">Scores that the model gives; null where it gives no vector of them.</param>
    /// <param name="countsAnswers">Whether the metric is a share of right answers, which one large class can make high.</param>
    /// <param name="nameOf">What a person finds a sample by.</param>
    internal IEnumerable<string> Problems(long? classesOfModel, bool countsAnswers, Func<int, string> nameOf)
    {
        if (measured > 1 && isConstant)
        {
            yield return $"all {measured} samples have the same label, {string.Join(", ", value!.Take(MostNamed))}, so that a model that ignores its input looks as good";
        }

        if (classified > 1 && classes.Count == 1)
        {
            yield return $"all {classified} samples have the label {classes.First().Key}, so that other classes are not measured at all";
        }
        else if (classified >= FewestSamples)
        {
            (long largest, int count) = classes.MaxBy(entry => entry.Value);
            if (countsAnswers && count > LargestShare * classified)
            {
                yield return FormattableString.Invariant($"{count} of {classified} samples have the label {largest}, so that a model that always answers {largest} has an accuracy of {(double)count / classified:0.000}; F1, AreaUnderRoc or MaxClassAccuracyDrop tell more");
            }

            if (classesOfModel is > 1 and <= MostClasses && classified >= SamplesAClass * classesOfModel)
            {
                long[] missing = [.. Enumerable.Range(0, (int)classesOfModel.Value).Select(index => (long)index).Where(index => !classes.ContainsKey(index))];
                if (missing.Length > 0)
                {
                    bool isOne = missing.Length == 1;
                    yield return $"{(isOne ? "class" : "classes")} {string.Join(", ", missing.Take(MostNamed))}{(missing.Length > MostNamed ? $" and {missing.Length - MostNamed} more" : "")} of the model's {classesOfModel} {(isOne ? "has" : "have")} no sample, so that nothing is known of {(isOne ? "it" : "them")}";
                }
            }
        }

        if (conflict is var (first, second))
        {
            yield return $"{conflicts} {(conflicts == 1 ? "sample is a copy of one" : "samples are copies of ones")} with another label, such as '{nameOf(second)}' of '{nameOf(first)}'";
        }
    }
}
