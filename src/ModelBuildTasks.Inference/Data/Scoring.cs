namespace ModelBuildTasks.Inference.Data;

/// <summary>What <c>dataset.json</c> states of how answers are scored. Every field is described in docs/DATA.md.</summary>
public sealed record Scoring
{
    /// <summary>Of a data set that states nothing.</summary>
    public static Scoring Unstated { get; } = new();

    /// <summary>How F1, precision and recall of classes become one number; null for <see cref="Averaging.Binary"/> with two classes, else <see cref="Averaging.Macro"/>.</summary>
    public Averaging? Average { get; init; }

    /// <summary>The class that <see cref="Averaging.Binary"/> is about.</summary>
    public int Positive { get; init; } = DefaultPositive;

    /// <summary>Names of the classes in the order of the model's outputs; empty when there are none.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Where a detector's answers are; null when the data set declares no objects.</summary>
    public Detection? Detection { get; init; }

    /// <summary>Where masks are; null when the data set declares none.</summary>
    public Segmentation? Segmentation { get; init; }

    internal const int DefaultPositive = 1;
}

/// <summary>How counts of classes become one number.</summary>
public enum Averaging
{
    /// <summary>The mean over classes, each counting the same.</summary>
    Macro,

    /// <summary>Over the sums of all classes' counts.</summary>
    Micro,

    /// <summary>Of one class alone.</summary>
    Binary,
}

/// <summary>Where the corners of a box are in its four numbers.</summary>
public enum BoxFormat
{
    /// <summary>Left, top, right, bottom.</summary>
    Corners,

    /// <summary>Top, left, bottom, right, as TensorFlow's detectors give them.</summary>
    RowsFirst,

    /// <summary>Left, top, width, height, as COCO's annotations give them.</summary>
    CornerAndSize,

    /// <summary>Centre, width, height, as YOLO models give them.</summary>
    CentreAndSize,
}

/// <summary>Which outputs of a detector are what, and where the objects that it should find are listed.</summary>
public sealed record Detection
{
    /// <summary>The output with boxes: rows of four numbers, or of six with score and class where <see cref="Scores"/> is null.</summary>
    public required string Boxes { get; init; }

    /// <summary>The output with scores: one a box, or one a box and class.</summary>
    public string? Scores { get; init; }

    /// <summary>The output with class indices, one a box.</summary>
    public string? Classes { get; init; }

    /// <summary>Form of the boxes, the model's and the labels'.</summary>
    public BoxFormat Format { get; init; }

    /// <summary>A class of <see cref="Scores"/> that means no object.</summary>
    public int? Background { get; init; }

    /// <summary>Overlap above which the weaker of two boxes of one class is dropped, in (0, 1]; null where the model does this itself.</summary>
    public double? Suppression { get; init; }

    /// <summary>The overlap from which a box counts as found, in (0, 1]; null for the mean over 0.50, 0.55, … 0.95.</summary>
    public double? Overlap { get; init; }

    /// <summary>A JSON lines file with the objects of each sample, in the samples' order; null where the data's own labels are the objects.</summary>
    public string? Objects { get; init; }
}

/// <summary>Which output holds masks.</summary>
public sealed record Segmentation
{
    /// <summary>The output with a score for each class and place, or with class indices; null for the first.</summary>
    public string? Output { get; init; }

    /// <summary>The label of places that are not judged, often 255.</summary>
    public int? Ignore { get; init; }
}
