using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// How far the detections of two forms of a detector agree: the intersection over union of those of one class that match best, summed and divided by the
/// number of detections that either has. One that the other form lacks counts as 0.
/// </summary>
internal sealed class DetectionOverlap
{
    /// <summary>What counts as a detection.</summary>
    private const float LeastScore = 0.5f;

    /// <summary>Detections of one class that overlap more are one (non-maximum suppression).</summary>
    private const float SameObject = 0.45f;

    private readonly record struct Box(int Class, float Score, float Left, float Top, float Right, float Bottom)
    {
        private float Area => Math.Max(0, Right - Left) * Math.Max(0, Bottom - Top);

        internal float OverlapWith(Box other)
        {
            float common = Math.Max(0, Math.Min(Right, other.Right) - Math.Max(Left, other.Left)) * Math.Max(0, Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top));
            return Class != other.Class || common == 0 ? 0 : common / (Area + other.Area - common);
        }
    }

    private double overlap;
    private int detections;

    /// <summary>0 to 1; NaN where nothing was detected at all.</summary>
    internal double Value => detections == 0 ? double.NaN : overlap / detections;

    internal void Add(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual)
    {
        List<Box> first = Detections(expected);
        List<Box> second = Detections(actual);
        detections += first.Count + second.Count;
        while ((from a in first from b in second let common = a.OverlapWith(b) where common > 0 orderby common descending select (a, b, common)).FirstOrDefault() is { common: > 0 } best)
        {
            overlap += best.common;
            detections--;
            first.Remove(best.a);
            second.Remove(best.b);
        }
    }

    private static List<Box> Detections(IReadOnlyList<Tensor> outputs)
    {
        IEnumerable<Box> candidates = outputs.Count == 1 ? Centred(outputs[0]) : Cornered(outputs[0], outputs[1]);
        List<Box> kept = [];
        foreach (Box box in candidates.Where(box => box.Score >= LeastScore).OrderByDescending(box => box.Score))
        {
            if (kept.TrueForAll(other => other.OverlapWith(box) <= SameObject))
            {
                kept.Add(box);
            }
        }

        return kept;
    }

    /// <summary>FastestDet: [1, cells, centre x and y, width, height, objectness, classes…].</summary>
    private static IEnumerable<Box> Centred(Tensor output)
    {
        int fields = (int)output.Dimensions[^1];
        float[] values = output.ToSingles();
        for (int at = 0; at < values.Length; at += fields)
        {
            ReadOnlySpan<float> classes = values.AsSpan(at + 5, fields - 5);
            int best = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(classes);
            (float x, float y, float width, float height) = (values[at], values[at + 1], values[at + 2], values[at + 3]);
            yield return new Box(best, values[at + 4] * classes[best], x - width / 2, y - height / 2, x + width / 2, y + height / 2);
        }
    }

    /// <summary>UltraFace: scores [1, boxes, (background, face)] and boxes [1, boxes, corners].</summary>
    private static IEnumerable<Box> Cornered(Tensor scores, Tensor boxes)
    {
        float[] score = scores.ToSingles();
        float[] corner = boxes.ToSingles();
        for (int i = 0; i < score.Length / 2; i++)
        {
            yield return new Box(0, score[2 * i + 1], corner[4 * i], corner[4 * i + 1], corner[4 * i + 2], corner[4 * i + 3]);
        }
    }
}
