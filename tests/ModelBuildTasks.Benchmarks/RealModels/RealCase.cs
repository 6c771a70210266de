using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Benchmarks;

/// <summary>What an output means, and so how two forms of a model are compared.</summary>
internal enum OutputKind
{
    /// <summary>Scores of classes: the share of samples with the same best one.</summary>
    Classes,

    /// <summary>Boxes with scores: <see cref="DetectionOverlap"/>.</summary>
    Boxes,

    /// <summary>A signal: its ratio to the noise alone.</summary>
    Signal,
}

/// <summary>A real model with inputs of the kind that it was made for.</summary>
/// <param name="Path">The model file.</param>
/// <param name="Kind">What its outputs mean.</param>
/// <param name="Data">Calibration and evaluation samples, disjoint.</param>
internal sealed record RealCase(string Path, OutputKind Kind, Func<ModelSession, (Dataset Calibration, Dataset Evaluation)> Data)
{
    internal string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>All cases whose files are there: the sample's model, and those of <c>MODELBUILD_DATA</c>.</summary>
    /// <param name="photos">A folder of photographs in place of those of <c>MODELBUILD_DATA</c>.</param>
    internal static IEnumerable<RealCase> All(string? photos)
    {
        string sample = System.IO.Path.Combine(Repository.Root, "samples", "MeterReader");
        yield return new RealCase(
            System.IO.Path.Combine(sample, "Models", "digits.onnx"),
            OutputKind.Classes,
            session => (Dataset.Open(System.IO.Path.Combine(sample, "Data", "calibration"), session.Inputs), Dataset.Open(System.IO.Path.Combine(sample, "Data", "evaluation"), session.Inputs)));
        foreach (RealCase entry in Stored(photos ?? BenchmarkModels.Data("datasets", "photos")).Where(entry => File.Exists(entry.Path)))
        {
            yield return entry;
        }
    }

    private static IEnumerable<RealCase> Stored(string photos) =>
    [
        Of("mobilenet_v1_0.25_224", OutputKind.Classes, Photos(photos, """ "scale": "1/127.5", "mean": 1""")),
        Of("squeezenet1.0_imagenet_fp32", OutputKind.Classes, Photos(photos, """ "color": "BGR", "mean": [103.939, 116.779, 123.68]""")),
        Of("aka_resnet20_cifar10", OutputKind.Classes, Photos(photos, ImageNet)),
        Of("aka_resnet32_cifar10", OutputKind.Classes, Photos(photos, ImageNet)),
        Of("ultraface_RFB-320", OutputKind.Boxes, Photos(photos, """ "mean": 127, "std": 128""")),
        Of("FastestDet", OutputKind.Boxes, Photos(photos, """ "color": "BGR", "scale": "1/255" """)),
        Of("magika_standard_v3_3", OutputKind.Classes, Split(Description("magika_src/features758.idx.gz", "magika_src/labels758.idx.gz", ""))),
        Of("ch_ppocr_mobile_v2.0_cls_infer", OutputKind.Classes, Split(Description(
            "textline_orient/images400.idx.gz",
            "textline_orient/labels400.idx.gz",
            TextLines))),
        Of("ch_PP-OCRv3_det_infer", OutputKind.Signal, _ => RealSignals.TextPages()),
        Of("mnist8_cntk", OutputKind.Classes, Two(
            Description("mnist/calib1k-images.idx.gz", "mnist/calib1k-labels.idx.gz", """ "limit": 256"""), Description("mnist/test5k-images.idx.gz", "mnist/test5k-labels.idx.gz", ""))),
        Of("fashion_mlp_bstollnitz", OutputKind.Classes, Split(Description("fashion900/images600.idx.gz", "fashion900/labels600.idx.gz", """ "scale": "1/255" """))),
        Of("digits_mlp", OutputKind.Classes, Two(
            Description("digits/train_x.idx.gz", "digits/train_y.idx.gz", """ "scale": "1/16", "limit": 256"""), Description("digits/test_x.idx.gz", "digits/test_y.idx.gz", """ "scale": "1/16" """))),
        Of("qonnx_bsd300x3-espcn_subpixel_float_model", OutputKind.Signal, _ => RealSignals.Patches()),
        Of("dtln_model_1", OutputKind.Signal, RealSignals.Spectra),
        Of("silero_vad", OutputKind.Signal, RealSignals.Speech),
        Of("silero_vad_op18_ifless", OutputKind.Signal, RealSignals.Speech),
    ];

    /// <summary>What the rendered lines of text say of themselves.</summary>
    internal static string TextLines =>
        $""" "widths": "{BenchmarkModels.Data("datasets", "textline_orient/widths400.idx.gz")}", "layout": "NHWC", "color": "BGR", "scale": "1/255", "mean": 0.5, "std": 0.5""";

    private const string ImageNet = """ "scale": "1/255", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]""";

    private static RealCase Of(string model, OutputKind kind, Func<ModelSession, (Dataset, Dataset)> data) => new(BenchmarkModels.Data("models", model + ".onnx"), kind, data);

    private static Func<ModelSession, (Dataset, Dataset)> Photos(string folder, string description) => Split($"\"data\": \"{folder}\", {description}");

    /// <summary>Three tenths calibrate, the rest judges.</summary>
    private static Func<ModelSession, (Dataset, Dataset)> Split(string description) =>
        Two(description + """, "split": { "from": 0, "to": 0.3 }""", description + """, "split": { "from": 0.3, "to": 1 }""");

    private static Func<ModelSession, (Dataset, Dataset)> Two(string calibration, string evaluation) =>
        session => (Described(calibration, session.Inputs), Described(evaluation, session.Inputs));

    internal static string Description(string data, string? labels, string more) =>
        $"\"data\": \"{BenchmarkModels.Data("datasets", data)}\""
        + (labels is null ? "" : $", \"labels\": \"{BenchmarkModels.Data("datasets", labels)}\"")
        + (more.Length == 0 ? "" : "," + more);

    /// <summary>A data set by what <c>dataset.json</c> would say of it.</summary>
    internal static Dataset Described(string description, IReadOnlyList<TensorSignature> inputs)
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, $"{{ {description} }}");
        try
        {
            return Dataset.Open(path, inputs);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
