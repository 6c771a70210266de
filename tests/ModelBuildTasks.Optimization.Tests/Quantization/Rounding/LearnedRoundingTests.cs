using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class LearnedRoundingTests
{
    private const int Inputs = 8, Outputs = 3;

    private static TargetProfile Narrow => TargetProfiles.Cpu with { WeightBits = 3 };

    [TestMethod]
    public void Comes_near_to_the_best_of_all_roundings_of_a_layer_with_correlated_inputs()
    {
        ListedSamples samples = Correlated(200);
        (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(samples);

        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);

        Layer layer = choice.Selection.Layers.Values.Single();
        QuantizationParameters read = choice.Scales[layer.Node.Inputs[0]!];
        double[][] rows = [.. samples.Read().Select(sample => sample.Inputs[0].ToSingles()).SelectMany(x => (double[][])[[.. x.Select(number => (double)number)], [.. x.Select(number => (double)read.Rounded(number))]])];
        double nearest = 0, found = 0, best = 0;
        for (int output = 0; output < Outputs; output++)
        {
            float[] weights = [.. Enumerable.Range(0, Inputs).Select(i => layer.Weight.Span<float>()[(i * Outputs) + output])];
            QuantizedWeight plain = QuantizedWeight.Nearest(layer, 3, null);
            nearest += Error(plain, output);
            found += Error(learned.Round(layer, 3, null), output);
            best += Enumerable.Range(0, 1 << Inputs).Min(up => ErrorOf([.. weights.Select((w, i) => Math.Clamp(Math.Floor(w / plain.Scales[output]) + (up >> i & 1), -3, 3) * plain.Scales[output])]));

            double Error(QuantizedWeight rounded, int at) => ErrorOf([.. Enumerable.Range(0, Inputs).Select(i => (double)rounded.Codes.Span<sbyte>()[(i * Outputs) + at] * rounded.Scales[at])]);

            // What the rounded inputs give with the codes, against what the exact ones give with the weights.
            double ErrorOf(double[] codes)
            {
                double sum = 0;
                for (int row = 0; row < rows.Length; row += 2)
                {
                    double difference = 0;
                    for (int i = 0; i < Inputs; i++)
                    {
                        difference += (rows[row][i] * weights[i]) - (rows[row + 1][i] * codes[i]);
                    }

                    sum += difference * difference;
                }

                return sum;
            }
        }

        Console.WriteLine($"nearest {nearest:0.00}, learned {found:0.00}, best {best:0.00}; {string.Join(' ', learned.Refusals)}");
        Assert.IsLessThan(0.5 * nearest, found);
        Assert.IsLessThan(5 * best, found);
    }

    [TestMethod]
    public void Two_layers_of_a_residual_block_are_learned_together_and_the_output_comes_nearer()
    {
        const int Channels = 8;
        SmallNetwork network = new(shape: [1, Channels, 6, 6]);
        Value inner = network.Graph.Add("Relu", network.Convolve(network.Input, "first", Channels, Channels));
        network.Classify(network.Graph.Add("Relu", network.Graph.Add("Add", network.Convolve(inner, "second", Channels, Channels), network.Input)), Channels);
        ListedSamples samples = ListedSamples.Random([1, Channels, 6, 6], 64, lowest: 0);
        PassContext context = new(Narrow, samples);
        CalibratedModel calibrated = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());

        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);

        Assert.AreEqual(0, learned.Refusals.Count(refusal => refusal.Contains("the block", StringComparison.Ordinal)), string.Join(' ', learned.Refusals));
        Assert.IsLessThan(0.9, learned.Errors[0]);
        Model form = calibrated.Form(choice, learned.Round);
        Assert.IsLessThan(SquaredError(network.Model, calibrated.Form(choice), samples), SquaredError(network.Model, form, samples));
    }

    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        CollectionAssert.AreEqual(Form(), Form());

        static byte[] Form()
        {
            (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(Correlated(40));
            return calibrated.Form(choice, LearnedRounding.Run(calibrated, choice, context).Round).ToBytes();
        }
    }

    [TestMethod]
    public void Where_the_codes_are_exact_nothing_changes()
    {
        (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(Correlated(40), snap: true);

        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);

        Assert.AreEqual(0, learned.Count);
        StringAssert.Contains(learned.Refusals.Single(), "was not learned");
        CollectionAssert.AreEqual(calibrated.Form(choice).ToBytes(), calibrated.Form(choice, learned.Round).ToBytes());
    }

    [TestMethod]
    public void Too_few_samples_are_a_reason()
    {
        (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(Correlated(5));

        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);

        Assert.IsNull(learned.Explanation);
        StringAssert.Contains(learned.Refusals.Single(), "5 samples are too few");
    }

    [TestMethod]
    public void Samples_of_different_shapes_are_a_reason()
    {
        ListedSamples samples = new([.. Enumerable.Range(0, 20).Select(i => Weights.Uniform(new Random(i), [1 + (i % 2), Inputs]))]);
        (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(samples, freeBatch: true);

        StringAssert.Contains(LearnedRounding.Run(calibrated, choice, context).Refusals.Single(), "shapes differ");
    }

    [TestMethod]
    public void Numbers_that_are_not_finite_are_a_reason()
    {
        (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(Correlated(40));
        Tensor[] damaged = [.. Correlated(40).Read().Select(sample => sample.Inputs[0])];
        damaged[3] = Tensor.Create([1, Inputs], Enumerable.Repeat(float.NaN, Inputs).ToArray());

        StringAssert.Contains(LearnedRounding.Run(calibrated, choice, context with { Calibration = new ListedSamples(damaged) }).Refusals.Single(), "not finite");
    }

    [TestMethod]
    public void It_can_be_cancelled()
    {
        (CalibratedModel calibrated, QuantizationChoice choice, PassContext context) = Product(Correlated(40));
        using CancellationTokenSource source = new();
        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => LearnedRounding.Run(calibrated, choice, context with { CancellationToken = source.Token }));
    }

    [TestMethod]
    public void Layers_that_share_their_weights_keep_their_rounding()
    {
        SmallNetwork network = new(shape: [1, SmallNetwork.Channels, 8, 8]);
        Value weight = network.Weight("shared", SmallNetwork.Channels, SmallNetwork.Channels, 3, 3);
        Value first = network.Graph.AddNode("Conv", [network.Input, weight]).Set("pads", [1L, 1, 1, 1]).Output;
        network.Classify(network.Graph.AddNode("Conv", [first, weight]).Set("pads", [1L, 1, 1, 1]).Output);
        PassContext context = new(Narrow, ListedSamples.Random([1, SmallNetwork.Channels, 8, 8], 12));
        CalibratedModel calibrated = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());

        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);

        Assert.AreEqual(2, learned.Refusals.Count(refusal => refusal.Contains("reads its weights", StringComparison.Ordinal)), string.Join(' ', learned.Refusals));
        Assert.HasCount(1, calibrated.Form(choice, learned.Round).Graph.Nodes.Where(node => node.OpType == "Conv").Select(node => node.Inputs[1]).Distinct());
    }

    [TestMethod]
    public void Static_quantization_learns_where_it_is_asked_to_and_tells_it()
    {
        const int Inputs = 256, Hidden = 128;
        SmallNetwork network = new(shape: [1, Inputs]);
        Value hidden = network.Graph.Add("Relu", network.Graph.AddNode("Gemm", [network.Input, network.Weight("w", Inputs, Hidden), network.Weight("b", Hidden)]).Output);
        network.Output(network.Graph.AddNode("Gemm", [hidden, network.Weight("classes.w", Hidden, 10), network.Weight("classes.b", 10)], name: "classes").Output);
        ListedSamples samples = ListedSamples.Random([1, Inputs], 64, lowest: 0);
        Model exact = network.Model.Clone(), plain = network.Model.Clone();

        PassOutcome outcome = new StaticQuantization { LearnsRounding = true }.Apply(network.Model, new PassContext(Narrow, samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        StringAssert.Contains(outcome.Explanation + string.Join(' ', outcome.Refusals), "learned");
        new StaticQuantization().Apply(plain, new PassContext(Narrow, samples));
        Assert.IsLessThanOrEqualTo(SquaredError(exact, plain, samples) * 1.05, SquaredError(exact, network.Model, samples));
        CollectionAssert.AreEqual(plain.Graph.Nodes.Select(node => node.OpType).ToArray(), network.Model.Graph.Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    [DoNotParallelize]
    public void A_real_model_of_3_bits_has_less_noise_than_by_least_squares()
    {
        QuantizationCase model = new("digits_mlp.onnx");
        PassContext context = new(TargetProfiles.Cpu with { WeightBits = 3 }, model.Open(calibration: true).Take(200));
        CalibratedModel calibrated = new(model.Simplified, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());
        calibrated.Round = Reconstruction.Run(calibrated, choice, context);

        LearnedBlocks learned = LearnedRounding.Run(calibrated, choice, context);

        Dataset unseen = model.Open(calibration: false).Take(200);
        double before = SquaredError(model.Simplified, calibrated.Form(choice), unseen);
        double after = SquaredError(model.Simplified, calibrated.Form(choice, learned.Round), unseen);
        Console.WriteLine($"{10 * Math.Log10(before / after):0.0} dB less noise");
        Assert.IsLessThan(before, after);
    }

    /// <summary>A product of 8 inputs with 3 outputs, whose weights are to have 3 bits.</summary>
    /// <param name="snap">Whether the weights are such that these hold them, and inputs zeros and ones, which integers hold.</param>
    private static (CalibratedModel Model, QuantizationChoice Choice, PassContext Context) Product(ListedSamples samples, bool snap = false, bool freeBatch = false)
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, [freeBatch ? (Dimension)"N" : 1, Inputs]));
        float[] weights = Weights.Uniform(new Random(11), [Inputs * Outputs]).ToSingles();
        if (snap)
        {
            weights = [.. weights.Select((w, i) => i < Outputs ? 3 : MathF.Round(3 * w))];
            samples = new ListedSamples([.. samples.Read().Select(sample => Tensor.Create([1, Inputs], sample.Inputs[0].ToSingles().Select(number => number > 0.7f ? 255f : 0).ToArray()))]);
        }

        Value y = model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("w", Tensor.Create([Inputs, Outputs], weights))]).Output;
        y.Type = new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null);
        model.Graph.AddOutput(y);
        PassContext context = new(Narrow, samples);
        CalibratedModel calibrated = new(model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        return (calibrated, calibrated.All(new FloatNodes()), context);
    }

    /// <summary>Inputs that have most in common, so that errors of weights add up unless they cancel out.</summary>
    private static ListedSamples Correlated(int count)
    {
        Random random = new(5);
        return new ListedSamples([.. Enumerable.Range(0, count).Select(_ =>
        {
            float common = random.NextSingle();
            return Tensor.Create([1, Inputs], Enumerable.Range(0, Inputs).Select(_ => common + (0.4f * random.NextSingle())).ToArray());
        })]);
    }

    private static double SquaredError(Model exact, Model form, Dataset samples)
    {
        using ModelSession reference = ModelSession.Open(exact);
        using ModelSession quantized = ModelSession.Open(form);
        return samples.Read().Sum(sample => reference.Run(sample.Inputs)[0].ToSingles().Zip(quantized.Run(sample.Inputs)[0].ToSingles(), (a, b) => Math.Pow((double)a - b, 2)).Sum());
    }
}
