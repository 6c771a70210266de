using System.Diagnostics;
using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>A real model with real data: simplified, quantized, and compared with its float form on samples that calibration did not see.</summary>
internal sealed class QuantizationCase
{
    private const string Photos = """ "data": "photos", """;

    private static readonly Dictionary<string, (string Calibration, string Evaluation)> Data = new()
    {
        ["mobilenet_v1_0.25_224.onnx"] = Split(Photos + """ "scale": "1/127.5", "mean": 1 """),
        ["squeezenet1.0_imagenet_fp32.onnx"] = Split(Photos + """ "color": "BGR", "mean": [103.939, 116.779, 123.68] """),
        ["aka_resnet20_cifar10.onnx"] = Split(Photos + """ "scale": "1/255", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225] """),
        ["magika_standard_v3_3.onnx"] = Split(""" "data": "magika_src/features758.idx.gz" """),
        ["ch_ppocr_mobile_v2.0_cls_infer.onnx"] = Split(
            """ "data": "textline_orient/images400.idx.gz", "widths": "textline_orient/widths400.idx.gz", "layout": "NHWC", "color": "BGR", "scale": "1/255", "mean": 0.5, "std": 0.5 """),
        ["mnist8_cntk.onnx"] = (""" "data": "mnist/calib1k-images.idx.gz", "limit": 128 """, """ "data": "mnist/test5k-images.idx.gz", "limit": 1000 """),
        ["digits_mlp.onnx"] = (""" "data": "digits/train_x.idx.gz", "scale": "1/16" """, """ "data": "digits/test_x.idx.gz", "scale": "1/16" """),
        ["fashion_mlp_bstollnitz.onnx"] = Split(""" "data": "fashion900/images600.idx.gz", "scale": "1/255" """),
        ["ultraface_RFB-320.onnx"] = Split(Photos + """ "mean": 127, "std": 128 """),
        ["winml_iris.onnx"] = (""" "data": "iris/iris.csv" """, """ "data": "iris/iris.csv" """),
    };

    private readonly string model;
    private readonly string folder;

    internal QuantizationCase(string model)
    {
        this.model = model;
        string path = RealModels.Require(model);
        folder = Path.Combine(Path.GetDirectoryName(path)!, "..", "datasets");
        Source = Model.Load(path);
        Simplified = Source.Clone();
        new GraphSimplification().Apply(Simplified, new PassContext(TargetProfiles.CpuX64));
        Quantized = Simplified.Clone();
    }

    internal Model Source { get; }

    internal Model Simplified { get; }

    internal Model Quantized { get; }

    internal PassOutcome Quantize(TargetProfile target, int samples = int.MaxValue) =>
        new StaticQuantization().Apply(Quantized, new PassContext(target, Open(calibration: true).Take(samples)));

    internal PassOutcome QuantizeDynamically(TargetProfile target) => new DynamicQuantization().Apply(Quantized, new PassContext(target));

    internal Dataset Open(bool calibration)
    {
        (string forCalibration, string forEvaluation) = Data[model];
        string description = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        File.WriteAllText(description, "{" + Absolute(calibration ? forCalibration : forEvaluation) + "}");
        try
        {
            using ModelSession session = ModelSession.Open(Source);
            return Dataset.Open(description, session.Inputs);
        }
        finally
        {
            File.Delete(description);
        }
    }

    /// <summary>Compares with the original on the evaluation samples.</summary>
    internal Agreement Compare()
    {
        using ModelSession reference = ModelSession.Open(Source);
        using ModelSession quantized = ModelSession.Open(Quantized);
        using ModelSession simplified = ModelSession.Open(Simplified);
        Dataset samples = Open(calibration: false);
        int agreeing = 0, right = 0, rightBefore = 0, count = 0;
        double error = 0, power = 0;
        IReadOnlyList<Tensor>? example = null;
        foreach (Sample sample in samples.Read())
        {
            example ??= sample.Inputs;
            IReadOnlyList<Tensor> before = reference.Run(sample.Inputs);
            IReadOnlyList<Tensor> after = quantized.Run(sample.Inputs);
            int top = TensorPrimitives.IndexOfMax(before[0].Span<float>());
            int topAfter = TensorPrimitives.IndexOfMax(after[0].Span<float>());
            agreeing += top == topAfter ? 1 : 0;
            if (sample.Label is { ElementType: ElementType.Int64, Length: 1 } label)
            {
                rightBefore += label.Span<long>()[0] == top ? 1 : 0;
                right += label.Span<long>()[0] == topAfter ? 1 : 0;
            }

            for (int i = 0; i < before.Count; i++)
            {
                error += Math.Pow(TensorPrimitives.Distance(before[i].Span<float>(), after[i].Span<float>()), 2);
                power += TensorPrimitives.SumOfSquares(before[i].Span<float>());
            }

            count++;
        }

        return new Agreement(count, agreeing / (double)count, rightBefore / (double)count, right / (double)count, 10 * Math.Log10(power / error), Ratio(simplified, quantized, example!), Ratio(reference, quantized, example!),
            Quantized.ToBytes().Length / (double)Source.ToBytes().Length);
    }

    /// <summary>Median time of the second over that of the first, interleaved.</summary>
    internal static double Ratio(ModelSession first, ModelSession second, IReadOnlyList<Tensor> inputs)
    {
        List<double> ratios = [];
        Stopwatch total = Stopwatch.StartNew();
        while (ratios.Count < 15 || (total.ElapsedMilliseconds < 1500 && ratios.Count < 2000))
        {
            double a = Time(first, inputs);
            ratios.Add(Time(second, inputs) / a);
        }

        ratios.Sort();
        return ratios[ratios.Count / 2];
    }

    private static double Time(ModelSession session, IReadOnlyList<Tensor> inputs)
    {
        long start = Stopwatch.GetTimestamp();
        using SessionRun run = session.RunBorrowed(inputs);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private string Absolute(string description) =>
        description.Replace("\"data\": \"", $"\"data\": \"{folder}/", StringComparison.Ordinal).Replace("\"widths\": \"", $"\"widths\": \"{folder}/", StringComparison.Ordinal);

    private static (string, string) Split(string description) =>
        (description + """, "split": { "from": 0, "to": 0.4 } """, description + """, "split": { "from": 0.4, "to": 1 } """);
}

/// <param name="Samples">Number of evaluation samples.</param>
/// <param name="Top1">Share of samples with the same largest element of output 0.</param>
/// <param name="SignalToNoise">Of all outputs together, in decibels.</param>
/// <param name="Latency">Against the simplified float model, one thread.</param>
/// <param name="LatencyOfSource">Against the source model.</param>
internal sealed record Agreement(int Samples, double Top1, double AccuracyBefore, double Accuracy, double SignalToNoise, double Latency, double LatencyOfSource, double Size);
