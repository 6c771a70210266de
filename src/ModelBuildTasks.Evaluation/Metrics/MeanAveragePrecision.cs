using System.Numerics;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Mean over classes, and over overlaps of 0.50, 0.55, … 0.95 unless one is given, of the precision at 101 recalls 0, 0.01, … 1, where precision at a recall is the best at that
/// recall or above (T.-Y. Lin et al., "Microsoft COCO", 2014; as pycocotools' AP, of objects of all sizes). Detections are matched best first, each with
/// the free object of its class and sample that it overlaps most; equal scores count in the order of samples.
/// </summary>
internal sealed class MeanAveragePrecision(DetectionReader reader, double? overlap) : Metric
{
    private const int Recalls = 100;
    private readonly double[] overlaps = overlap is { } only ? [only] : [.. Enumerable.Range(10, 10).Select(twentieth => twentieth / 20.0)];

    internal override bool TakesAnySize => true;

    /// <returns>The number of classes with objects, class and number of objects of each; then class, score and a bit for each overlap at which it is right of each detection.</returns>
    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        IReadOnlyList<(Box Box, int Class)> objects = reader.Objects(label);
        IReadOnlyList<DetectedBox> detections = reader.Detections(outputs);
        int[] right = new int[detections.Count];
        for (int threshold = 0; threshold < overlaps.Length; threshold++)
        {
            bool[] taken = new bool[objects.Count];
            for (int i = 0; i < right.Length; i++)
            {
                if (Match(detections[i], objects, taken, overlaps[threshold]) is { } found)
                {
                    taken[found] = true;
                    right[i] |= 1 << threshold;
                }
            }
        }

        List<double> kept = [0];
        foreach (IGrouping<int, (Box, int Class)> ofClass in objects.GroupBy(found => found.Class))
        {
            kept[0]++;
            kept.AddRange([ofClass.Key, ofClass.Count()]);
        }

        for (int i = 0; i < right.Length; i++)
        {
            kept.AddRange([detections[i].Class, detections[i].Score, right[i]]);
        }

        return [.. kept];
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        Dictionary<double, DetectedClass> classes = [];
        for (int sample = 0; sample < kept.Length; sample++)
        {
            for (int i = 0; i < kept[sample][0]; i++)
            {
                Of(kept[sample][1 + 2 * i]).Objects.Add((sample, (int)kept[sample][2 + 2 * i]));
            }

            for (int i = 1 + 2 * (int)kept[sample][0]; i < kept[sample].Length; i += 3)
            {
                Of(kept[sample][i]).Detections.Add((sample, kept[sample][i + 1], (int)kept[sample][i + 2]));
            }
        }

        // A class without an object has no recall.
        DetectedClass[] judged = [.. classes.OrderBy(entry => entry.Key).Select(entry => entry.Value.Ranked()).Where(found => found.Objects.Count > 0)];
        return judged.Length == 0
            ? throw new MetricException("The data set has no object in any sample, so that there is nothing to find.")
            : weights =>
            {
                double sum = 0;
                int present = 0;
                foreach (DetectedClass ofClass in judged)
                {
                    long objects = ofClass.Objects.Sum(found => (long)weights[found.Sample] * found.Count);
                    if (objects > 0)
                    {
                        sum += Array.ConvertAll(Curves(ofClass.Detections, weights), curve => AveragePrecision(curve, objects)).Average();
                        present++;
                    }
                }

                return present == 0 ? 0 : sum / present;
            };

        DetectedClass Of(double index) => classes.TryGetValue(index, out DetectedClass? found) ? found : classes[index] = new DetectedClass([], []);
    }

    /// <summary>The place of the free object of the detection's class that it overlaps most, at least <paramref name="least"/>; null when there is none.</summary>
    private static int? Match(DetectedBox detection, IReadOnlyList<(Box Box, int Class)> objects, bool[] taken, double least)
    {
        int? best = null;
        for (int i = 0; i < objects.Count; i++)
        {
            double found = taken[i] || objects[i].Class != detection.Class ? 0 : objects[i].Box.Overlap(detection.Box);
            if (found >= least && (best is null || found > objects[best.Value].Box.Overlap(detection.Box)))
            {
                best = i;
            }
        }

        return best;
    }

    /// <summary>Objects found and precision for each overlap, where something was found: there precision can be best; between, it falls.</summary>
    private List<(long Found, double Precision)>[] Curves(List<(int Sample, double Score, int Right)> ranked, int[] weights)
    {
        List<(long Found, double Precision)>[] curves = Array.ConvertAll(overlaps, _ => new List<(long, double)>());
        long[] found = new long[overlaps.Length];
        long seen = 0;
        foreach ((int sample, _, int right) in ranked)
        {
            int weight = weights[sample];
            seen += weight;
            for (int bits = weight > 0 ? right : 0; bits != 0; bits &= bits - 1)
            {
                int threshold = BitOperations.TrailingZeroCount(bits);
                found[threshold] += weight;
                curves[threshold].Add((found[threshold], (double)found[threshold] / seen));
            }
        }

        return curves;
    }

    private static double AveragePrecision(List<(long Found, double Precision)> curve, long objects)
    {
        double sum = 0, best = 0;
        int place = curve.Count - 1;
        for (int recall = Recalls; recall >= 0; recall--)
        {
            for (; place >= 0 && curve[place].Found * Recalls >= recall * objects; place--)
            {
                best = Math.Max(best, curve[place].Precision);
            }

            sum += best;
        }

        return sum / (Recalls + 1);
    }

    private sealed record DetectedClass(List<(int Sample, int Count)> Objects, List<(int Sample, double Score, int Right)> Detections)
    {
        internal DetectedClass Ranked() => this with { Detections = [.. Detections.OrderByDescending(detection => detection.Score)] };
    }
}
