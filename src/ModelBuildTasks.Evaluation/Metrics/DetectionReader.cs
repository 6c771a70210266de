using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>A box by its corners, <see cref="Left"/> ≤ <see cref="Right"/>, in whatever unit model and labels share.</summary>
internal readonly record struct Box(double Left, double Top, double Right, double Bottom)
{
    /// <summary>Area in both boxes over area in either, 0 to 1; 0 where the boxes have no area or are not finite.</summary>
    internal double Overlap(Box other)
    {
        double both = Math.Max(0, Math.Min(Right, other.Right) - Math.Max(Left, other.Left)) * Math.Max(0, Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top));
        double either = Area + other.Area - both;
        return either > 0 && double.IsFinite(either) ? both / either : 0;
    }

    private double Area => Math.Max(0, Right - Left) * Math.Max(0, Bottom - Top);

    /// <param name="numbers">Four, in the order that <paramref name="format"/> says.</param>
    /// <param name="format">What they are.</param>
    internal static Box Of(ReadOnlySpan<float> numbers, BoxFormat format)
    {
        (double a, double b, double c, double d) = (numbers[0], numbers[1], numbers[2], numbers[3]);
        return format switch
        {
            BoxFormat.RowsFirst => new Box(b, a, d, c),
            BoxFormat.CornerAndSize => new Box(a, b, a + c, b + d),
            BoxFormat.CentreAndSize => new Box(a - c / 2, b - d / 2, a + c / 2, b + d / 2),
            _ => new Box(a, b, c, d),
        };
    }
}

/// <summary>A box that a model gives, with its class and score.</summary>
internal readonly record struct DetectedBox(Box Box, int Class, double Score);

/// <summary>Reads a detector's outputs and the objects that it should find, as the data set declares them.</summary>
internal sealed class DetectionReader
{
    /// <summary>Detections of a sample and class that count, the best first (COCO's maxDets); more would not be looked at by anyone, and memory would grow.</summary>
    private const int MostDetections = 100;
    private const int NumbersOfABox = 4;
    private const int NumbersOfAnObject = 5;
    private const int NumbersOfARow = 6;
    private readonly Detection declared;
    private readonly int boxes;
    private readonly int? scores;
    private readonly int? classes;

    /// <exception cref="MetricException">An output is declared that the model does not have.</exception>
    internal DetectionReader(Detection declared, IReadOnlyList<string> outputNames)
    {
        this.declared = declared;
        boxes = Metric.OutputIndex(declared.Boxes, outputNames);
        scores = declared.Scores is { } named ? Metric.OutputIndex(named, outputNames) : null;
        classes = declared.Classes is { } other ? Metric.OutputIndex(other, outputNames) : null;
    }

    /// <summary>The objects of a sample's label: rows of four box numbers and a class, of which those with a class below 0 only fill up.</summary>
    /// <exception cref="MetricException">The label is missing or no such rows.</exception>
    internal IReadOnlyList<(Box Box, int Class)> Objects(Tensor? label)
    {
        if (label is null || label.Length % NumbersOfAnObject != 0)
        {
            throw new MetricException($"It needs the objects of each sample: rows of {NumbersOfABox} box numbers and a class index; {(label is null ? "the data set has no labels" : $"found the label {label}")}.");
        }

        List<(Box, int)> objects = [];
        ReadOnlySpan<float> numbers = label.AsSingles();
        for (int start = 0; start < numbers.Length; start += NumbersOfAnObject)
        {
            float index = numbers[start + NumbersOfABox];
            if (index >= 0)
            {
                objects.Add((Box.Of(numbers.Slice(start, NumbersOfABox), declared.Format), ClassScores.ClassOf(index)));
            }
        }

        return objects;
    }

    /// <summary>The detections of a sample, best first, equal scores in the model's order.</summary>
    /// <exception cref="MetricException">The outputs do not have the declared form.</exception>
    internal IReadOnlyList<DetectedBox> Detections(IReadOnlyList<Tensor> outputs)
    {
        IEnumerable<DetectedBox> ordered = (scores is { } place ? FromOutputs(outputs, outputs[place]) : FromRows(outputs[boxes]))
            .Where(detection => !double.IsNaN(detection.Score) && detection.Class != declared.Background)
            .OrderByDescending(detection => detection.Score);
        List<DetectedBox> kept = [];
        Dictionary<int, List<DetectedBox>> classes = [];
        foreach (DetectedBox detection in ordered)
        {
            List<DetectedBox> better = classes.TryGetValue(detection.Class, out List<DetectedBox>? found) ? found : classes[detection.Class] = [];
            if (better.Count < MostDetections && (declared.Suppression is not { } most || !better.Exists(other => other.Box.Overlap(detection.Box) > most)))
            {
                better.Add(detection);
                kept.Add(detection);
            }
        }

        return kept;
    }

    private List<DetectedBox> FromRows(Tensor rows)
    {
        if (rows.Length > 0 && (rows.Dimensions.Count == 0 || rows.Dimensions[^1] != NumbersOfARow))
        {
            throw new MetricException($"Output '{declared.Boxes}' is {rows}; without \"scores\" in dataset.json it needs rows of {NumbersOfARow} numbers: box, score, class.");
        }

        ReadOnlySpan<float> numbers = rows.AsSingles();
        List<DetectedBox> found = [];
        for (int start = 0; start < numbers.Length; start += NumbersOfARow)
        {
            found.Add(new DetectedBox(Box.Of(numbers.Slice(start, NumbersOfABox), declared.Format), ClassScores.ClassOf(numbers[start + NumbersOfABox + 1]), numbers[start + NumbersOfABox]));
        }

        return found;
    }

    private List<DetectedBox> FromOutputs(IReadOnlyList<Tensor> outputs, Tensor scored)
    {
        Tensor located = outputs[boxes];
        long count = located.Length / NumbersOfABox;
        bool fits = located.Length % NumbersOfABox == 0 && (count == 0 ? scored.Length == 0 : scored.Length % count == 0);
        if (!fits || (classes is { } named && (outputs[named].Length != count || scored.Length != count)))
        {
            throw new MetricException($"Output '{declared.Boxes}' is {located} and '{declared.Scores}' is {scored}{(classes is { } third ? $" and '{declared.Classes}' is {outputs[third]}" : "")}; they need four numbers a box, one score a box or a box and class, and one class a box.");
        }

        ReadOnlySpan<float> numbers = located.AsSingles();
        ReadOnlySpan<float> points = scored.AsSingles();
        double[] indices = classes is { } place ? ClassScores.Numbers(outputs[place]) : [];
        int perBox = count == 0 ? 0 : (int)(scored.Length / count);
        List<DetectedBox> found = [];
        for (int i = 0; i < count; i++)
        {
            Box box = Box.Of(numbers.Slice(i * NumbersOfABox, NumbersOfABox), declared.Format);
            for (int column = 0; column < perBox; column++)
            {
                found.Add(new DetectedBox(box, indices.Length == 0 ? column : ClassScores.ClassOf(indices[i]), points[i * perBox + column]));
            }
        }

        return found;
    }
}
