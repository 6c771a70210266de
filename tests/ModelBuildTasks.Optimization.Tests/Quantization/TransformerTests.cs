using System.Numerics.Tensors;
using ModelBuildTasks.Benchmarks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Smoothing;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>An encoder of two layers as exporters write BERT, whose normalizations have outlier channels.</summary>
[TestClass]
public sealed class TransformerTests
{
    private const int Layers = 2;
    private const int Width = 192;
    private const int Vocabulary = 500;
    private const int Sequence = 64;

    /// <summary>Queries, keys, values, the way out of attention, and two products behind.</summary>
    private const int ProductsOfLayer = 6;

    private readonly Model model;

    public TransformerTests()
    {
        model = TransformerModel.Create(Layers, Width, Vocabulary, isRealistic: true, outliers: 4);
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));
    }

    private static PassContext Context => new(TargetProfiles.CpuX64, new TokenDataset(24, Sequence, Vocabulary, seed: 1));

    [TestMethod]
    public void SmoothQuant_computes_what_the_model_did()
    {
        Model smoothed = model.Clone();

        PassOutcome outcome = new SmoothQuant().Apply(smoothed, Context);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsGreaterThan(90.0, SignalToNoise(smoothed));
    }

    [TestMethod]
    public void SmoothQuant_takes_noise_out_of_dynamic_integers()
    {
        Model plain = model.Clone();
        Model smoothed = model.Clone();

        Assert.IsTrue(new DynamicQuantization().Apply(plain, Context).Changed);
        Assert.IsTrue(new SmoothQuant().Apply(smoothed, Context).Changed);
        Assert.IsTrue(new DynamicQuantization().Apply(smoothed, Context).Changed);

        Assert.IsGreaterThan(SignalToNoise(plain) + 3, SignalToNoise(smoothed));
    }

    [TestMethod]
    public void SmoothQuant_takes_noise_out_of_static_integers()
    {
        Model plain = AllInIntegers(model.Clone());
        Model smoothed = model.Clone();
        Assert.IsTrue(new SmoothQuant().Apply(smoothed, Context).Changed);

        Assert.IsGreaterThan(SignalToNoise(plain) + 3, SignalToNoise(AllInIntegers(smoothed)));
    }

    [TestMethod]
    public void All_linear_layers_run_in_integers_and_nothing_in_float_has_conversions_around_it()
    {
        Dictionary<string, int> operators = OptimizedGraph.Operators(AllInIntegers(model.Clone()));

        Assert.AreEqual(Layers * ProductsOfLayer, operators.GetValueOrDefault("MatMulIntegerToFloat") + operators.GetValueOrDefault("QGemm"));
        CollectionAssert.DoesNotContain(operators.Keys, "DequantizeLinear");
        CollectionAssert.DoesNotContain(operators.Keys, "MatMul");
    }

    [TestMethod]
    public void Products_of_two_activations_stay_in_float_with_the_reason()
    {
        Model masked = TransformerModel.Create(1, Width, Vocabulary, isRealistic: true);
        int products = masked.Graph.Nodes.Count(QuantizableOperators.IsProductOfActivations);
        QuantizationCandidates candidates = new(masked.Graph, TargetProfiles.CpuX64, new Dictionary<Value, long[]>());

        Assert.AreEqual(2, products);
        Assert.AreEqual(products, candidates.Refusals.Values.Count(reason => reason.Contains("both of its factors are computed", StringComparison.Ordinal)));
    }

    private static Model AllInIntegers(Model float32)
    {
        CalibratedModel calibrated = new(float32, Context, Optimization.Quantization.Calibration.RangeMethod.Auto, QuantizedWeight.Nearest);
        return calibrated.Form(calibrated.All(new FloatNodes()));
    }

    /// <summary>Against the float model, on sequences that did not calibrate, in decibels.</summary>
    private double SignalToNoise(Model changed)
    {
        using ModelSession original = ModelSession.Open(model);
        using ModelSession other = ModelSession.Open(changed);
        double signal = 0, noise = 0;
        foreach (Sample sample in new TokenDataset(4, Sequence, Vocabulary, seed: 2).Read())
        {
            float[] expected = original.Run(sample.Inputs)[0].ToSingles();
            signal += TensorPrimitives.SumOfSquares<float>(expected);
            noise += Math.Pow(TensorPrimitives.Distance<float>(expected, other.Run(sample.Inputs)[0].ToSingles()), 2);
        }

        return 10 * Math.Log10(signal / noise);
    }
}
