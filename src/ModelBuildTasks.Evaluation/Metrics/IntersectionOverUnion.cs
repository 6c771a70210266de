using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Mean over classes of the places that both mask and label give a class, of those that either does; over the places of all samples together, and the classes that occur
/// in either (Jaccard; M. Everingham et al., "The PASCAL Visual Object Classes challenge: a retrospective", 2015, 4.3).
/// </summary>
/// <param name="output">Place of the output with masks: scores [1, classes, …] or [1, …, classes], class indices […], or the probability […] of class 1.</param>
/// <param name="ignored">The label of places that are not judged.</param>
internal sealed class IntersectionOverUnion(int output, int? ignored) : Metric
{
    private const string Advice = "; \"segmentation\": { \"ignore\": … } in dataset.json names the number of places that are not judged";

    /// <summary>Class, intersection and union of each class of a sample.</summary>
    private const int NumbersOfAClass = 3;

    /// <returns>Class, places in both and places in either for each class of the sample; none where no place is judged.</returns>
    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        if (label is null)
        {
            throw new MetricException("The metric needs labels, which the data set does not have: of each sample, an array with the class index of each place.");
        }

        double[] expected = ClassScores.Numbers(label);
        Dictionary<int, (long Both, long Either)> classes = [];
        (Func<int, int> found, int count) = Reader(outputs[output], label);
        for (int place = 0; place < expected.Length; place++)
        {
            double truth = expected[place];
            if (truth == ignored)
            {
                continue;
            }

            if (!(truth >= 0 && truth < count && truth == Math.Floor(truth)))
            {
                throw new MetricException($"A label holds {truth:g}, which is no class index of the mask {outputs[output]}{(ignored is null ? Advice : "")}.");
            }

            int answer = found(place);
            Count((int)truth, answer == (int)truth ? 1 : 0);
            if (answer != (int)truth)
            {
                Count(answer, 0);
            }
        }

        return [.. classes.SelectMany(entry => (double[])[entry.Key, entry.Value.Both, entry.Value.Either])];

        void Count(int index, int both)
        {
            (long intersection, long union) = classes.GetValueOrDefault(index);
            classes[index] = (intersection + both, union + 1);
        }
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        Dictionary<double, int> places = [];
        (int Class, double Both, double Either)[][] samples = Array.ConvertAll(kept, sample => sample.Chunk(NumbersOfAClass).Select(entry =>
        {
            places.TryAdd(entry[0], places.Count);
            return (places[entry[0]], entry[1], entry[2]);
        }).ToArray());
        if (places.Count == 0)
        {
            throw new MetricException($"No place of any sample is judged: every label is {ignored}, which dataset.json ignores.");
        }

        // What is not a number belongs to no class, and so counts against the labels' classes only.
        int none = places.GetValueOrDefault(ClassScores.None, -1);
        return weights =>
        {
            double[] both = new double[places.Count], either = new double[places.Count];
            for (int i = 0; i < weights.Length; i++)
            {
                foreach ((int index, double intersection, double union) in samples[i])
                {
                    both[index] += weights[i] * intersection;
                    either[index] += weights[i] * union;
                }
            }

            double sum = 0;
            int present = 0;
            for (int index = 0; index < either.Length; index++)
            {
                if (either[index] > 0 && index != none)
                {
                    sum += both[index] / either[index];
                    present++;
                }
            }

            return present == 0 ? 0 : sum / present;
        };
    }

    /// <summary>The predicted class at each place of the label, and how many classes there may be.</summary>
    private static (Func<int, int> Found, int Count) Reader(Tensor mask, Tensor label)
    {
        if (mask.Length == label.Length)
        {
            double[] numbers = ClassScores.Numbers(mask);
            return mask.ElementType.IsFloatingPoint()
                ? (place => double.IsNaN(numbers[place]) ? ClassScores.None : numbers[place] >= ClassScores.Threshold ? 1 : 0, 2)
                : (place => ClassScores.ClassOf(numbers[place]), int.MaxValue);
        }

        int places = (int)label.Length;
        if (places == 0 || mask.Length % places != 0 || mask.Length / places < 2)
        {
            throw new MetricException($"The label {label} has {label.Length} places, the model's mask is {mask}; it needs one number a place, or one a class and place.");
        }

        float[] values = mask.ToSingles();
        int classes = (int)(mask.Length / places);
        // Channels stand after the batch axis or last; where both would fit, ONNX has them after the batch axis.
        long[] sides = [.. mask.Dimensions.Where(size => size != 1)];
        (int ofClass, int ofPlace) = sides[0] == classes || sides[^1] != classes ? (places, 1) : (1, classes);
        return (Best, classes);

        int Best(int place)
        {
            int best = 0;
            for (int index = 0; index < classes; index++)
            {
                float score = values[index * ofClass + place * ofPlace];
                if (float.IsNaN(score))
                {
                    return ClassScores.None;
                }

                best = score > values[best * ofClass + place * ofPlace] ? index : best;
            }

            return best;
        }
    }
}
