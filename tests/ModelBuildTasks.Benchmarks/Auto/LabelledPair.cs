using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Benchmarks;

/// <summary>A model with labelled samples that it was made for.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Path">The model file.</param>
/// <param name="Data">Its data: calibration samples, null where none come beside the labelled ones, and the labelled ones.</param>
internal sealed record LabelledPair(string Name, string Path, Func<ModelSession, (Dataset? Calibration, Dataset Labelled)> Data)
{
    /// <summary>All pairs whose files are there: the sample's, and those of <c>MODELBUILD_DATA</c>.</summary>
    internal static IEnumerable<LabelledPair> All()
    {
        RealCase sample = RealCase.All(photos: null).First();
        yield return new LabelledPair("MeterReader", sample.Path, session => sample.Data(session));
        foreach (LabelledPair pair in Stored.Where(pair => File.Exists(pair.Path)))
        {
            yield return pair;
        }
    }

    private static IEnumerable<LabelledPair> Stored =>
    [
        Of("mnist8_cntk", "mnist/test5k-images.idx.gz", "mnist/test5k-labels.idx.gz", "", "mnist/calib1k-images.idx.gz"),
        Of("mnist_pytorch_onnx2c", "mnist/test5k-images.idx.gz", "mnist/test5k-labels.idx.gz", """ "scale": "1/255" """, "mnist/calib1k-images.idx.gz"),
        Of("fashion_mlp_bstollnitz", "fashion900/images600.idx.gz", "fashion900/labels600.idx.gz", """ "scale": "1/255" """),
        Of("ch_ppocr_mobile_v2.0_cls_infer", "textline_orient/images400.idx.gz", "textline_orient/labels400.idx.gz", RealCase.TextLines),
        Of("magika_standard_v3_3", "magika_src/features758.idx.gz", "magika_src/labels758.idx.gz", ""),
        Of("digits_mlp", "digits/test_x.idx.gz", "digits/test_y.idx.gz", """ "scale": "1/16" """, "digits/train_x.idx.gz"),
        Of("winml_iris", "iris/iris.csv", null, ""),
    ];

    private static LabelledPair Of(string model, string data, string? labels, string more, string? calibration = null) => new(
        model,
        BenchmarkModels.Data("models", model + ".onnx"),
        session => (
            calibration is null ? null : RealCase.Described(RealCase.Description(calibration, null, more), session.Inputs),
            RealCase.Described(RealCase.Description(data, labels, more), session.Inputs)));
}
