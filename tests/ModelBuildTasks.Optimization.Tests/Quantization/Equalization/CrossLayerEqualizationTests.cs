using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Equalization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Equalization;

[TestClass]
public sealed class CrossLayerEqualizationTests
{
    private const double Tolerance = 1e-5;

    /// <summary>Scaled weights are rounded to single precision anew. Worst seen: 1.5e-5, FastestDet, behind 70 convolutions.</summary>
    private const double DeepTolerance = 2e-5;

    private static readonly Dictionary<string, Func<EqualizationNetwork, Value, Value>> Between = new()
    {
        ["Relu"] = (network, x) => network.Graph.Add("Relu", x),
        ["LeakyRelu"] = (network, x) => network.Graph.AddNode("LeakyRelu", [x]).Set("alpha", 0.1f).Output,
        ["MaxPool"] = (network, x) => network.Graph.AddNode("MaxPool", [x]).Set("kernel_shape", [2L, 2]).Output,
        ["AveragePool"] = (network, x) => network.Graph.AddNode("AveragePool", [x]).Set("kernel_shape", [2L, 2]).Output,
        ["Resize"] = (network, x) => network.Graph.AddNode("Resize", [x, null, network.Graph.AddInitializer("scales", Tensor.Vector(1f, 1, 2, 2))]).Set("mode", "linear").Output,
        ["Pad"] = (network, x) => network.Graph.Add("Pad", x, network.Graph.AddInitializer("pads", Tensor.Vector(0L, 0, 1, 0, 0, 0, 0, 1))),
        ["Transpose"] = (network, x) => network.Graph.AddNode("Transpose", [x]).Set("perm", [0L, 1, 3, 2]).Output,
        ["depthwise Conv"] = (network, x) => network.Uneven(network.Graph.Add("Relu", x), "depthwise", group: EqualizationNetwork.Channels),
        ["grouped Conv"] = (network, x) => network.Uneven(network.Graph.Add("Relu", x), "grouped", group: 2),
        ["ConvTranspose"] = (network, x) => network.Uneven(network.Graph.Add("Relu", x), "transposed", group: 2, op: "ConvTranspose"),
        ["residual Add"] = (network, x) => network.Graph.Add("Relu", network.Graph.Add("Add", network.Uneven(network.Graph.Add("Relu", x), "inner"), x)),
        ["Concat and Slice"] = (network, x) => network.Graph.Add(
            "Slice",
            network.Graph.AddNode("Concat", [x, network.Uneven(x, "inner")]).Set("axis", 1L).Output,
            network.Graph.AddInitializer("starts", Tensor.Vector(3L)),
            network.Graph.AddInitializer("ends", Tensor.Vector(3L + EqualizationNetwork.Channels)),
            network.Graph.AddInitializer("axes", Tensor.Vector(1L))),
        ["Split"] = (network, x) => Halves(network, x),
        ["gate"] = (network, x) => network.Graph.Add("Mul", network.Graph.Add("Sigmoid", network.Graph.Add("GlobalAveragePool", network.Uneven(x, "gate"))), x),
    };

    public static IEnumerable<object[]> Operators => Between.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Operators))]
    public void Scales_through_an_operator_and_computes_the_same(string name)
    {
        EqualizationNetwork network = new();
        Value between = Between[name](network, network.Uneven(network.Input, "first"));
        network.Output(network.Uneven(between, "last", outputs: 4));
        Tensor[] before = network.Run();
        float[] weights = network.Graph.Find("first.w")!.Initializer!.ToSingles();

        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context());

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        CollectionAssert.AreNotEqual(weights, network.Graph.Find("first.w")!.Initializer!.ToSingles());
        AssertSame(before, network.Run());
    }

    [TestMethod]
    public void Scales_what_is_flattened_into_a_product()
    {
        EqualizationNetwork network = new();
        Value map = network.Graph.AddNode("MaxPool", [network.Uneven(network.Input, "first")]).Set("kernel_shape", [6L, 6]).Set("strides", [6L, 6]).Output;
        network.Output(network.Product(network.Graph.Add("Flatten", map), EqualizationNetwork.Channels * 4));
        Tensor[] before = network.Run();

        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context());

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        AssertSame(before, network.Run());
    }

    [TestMethod]
    public void A_channel_is_scaled_up_to_the_bound_of_a_clip_and_no_further()
    {
        EqualizationNetwork network = new();
        Value first = network.Uneven(network.Input, "first");
        float bound = network.Samples.Read().Max(sample => Largest(network, first, sample.Inputs[0])) / 2;
        Value clipped = network.Graph.Add("Clip", first, network.Graph.AddInitializer("zero", Tensor.Scalar(0f)), network.Graph.AddInitializer("bound", Tensor.Scalar(bound)));
        network.Output(network.Uneven(clipped, "last", outputs: 4));
        Tensor[] before = network.Run();
        float[] weights = network.Graph.Find("first.w")!.Initializer!.ToSingles();

        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context());

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        AssertSame(before, network.Run());
        float[] scaled = network.Graph.Find("first.w")!.Initializer!.ToSingles();
        Assert.AreEqual(weights[0], scaled[0], "the largest channel is clipped, and has to stay");
        Assert.AreNotEqual(weights[^1], scaled[^1]);
    }

    [TestMethod]
    [DataRow("Sigmoid")]
    [DataRow("HardSwish")]
    [DataRow("Tanh")]
    public void An_operator_that_bends_holds_its_channels(string op)
    {
        EqualizationNetwork network = new();
        network.Model.OpsetImports[""] = 14;
        network.Output(network.Uneven(network.Graph.Add(op, network.Uneven(network.Input, "first")), "last"));
        byte[] before = network.Model.ToBytes();

        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context());

        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void A_tensor_that_is_an_output_keeps_its_scale()
    {
        EqualizationNetwork network = new();
        Value first = network.Uneven(network.Input, "first");
        network.Output(first);
        network.Graph.AddOutput(network.Uneven(network.Graph.Add("Relu", first), "last"));

        Assert.IsFalse(new CrossLayerEqualization().Apply(network.Model, network.Context()).Changed);
    }

    [TestMethod]
    public void Layers_that_share_weights_keep_their_scale()
    {
        EqualizationNetwork network = new();
        Value first = network.Uneven(network.Input, "first");
        Node second = network.Graph.AddNode("Conv", [network.Graph.Add("Relu", first), network.Graph.Find("first.w")]).Set("pads", [1L, 1, 1, 1]);
        network.Output(second.Output);

        Assert.IsFalse(new CrossLayerEqualization().Apply(network.Model, network.Context()).Changed);
    }

    [TestMethod]
    public void A_network_with_even_channels_stays_as_it_is()
    {
        EqualizationNetwork network = new();
        network.Output(network.Uneven(network.Graph.Add("Relu", network.Uneven(network.Input, "first")), "last", outputs: 4));
        Value filters = network.Graph.Find("first.w")!;
        float[] filter = filters.Initializer!.ToSingles()[..(EqualizationNetwork.Channels * 9)];
        filters.Initializer = Tensor.Create([.. filters.Initializer.Dimensions], [.. Enumerable.Repeat(filter, EqualizationNetwork.Channels).SelectMany(weight => weight)]);
        network.Graph.Find("first.b")!.Initializer = Tensor.Vector(new float[EqualizationNetwork.Channels]);
        byte[] before = network.Model.ToBytes();

        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context());

        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void Works_from_the_weights_where_there_are_no_samples()
    {
        EqualizationNetwork network = new();
        network.Output(network.Uneven(network.Graph.Add("Relu", network.Uneven(network.Input, "first")), "last", outputs: 4));
        Tensor[] before = network.Run();

        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        AssertSame(before, network.Run());
    }

    [TestMethod]
    public void Halves_the_error_of_a_quantized_network_with_uneven_channels()
    {
        Assert.IsLessThan(0.5 * Error(equalize: false), Error(equalize: true));

        static double Error(bool equalize)
        {
            EqualizationNetwork network = new();
            Value body = network.Graph.Add("Relu", network.Uneven(network.Graph.Add("Relu", network.Uneven(network.Input, "a", outputs: 64)), "b", 64, 64));
            // What hardly shows in the tensor is what the last layer looks at.
            Value last = network.Graph.AddNode(
                "Conv", [body, network.Graph.AddInitializer("last.w", Tensor.Create([1, 64, 1, 1], [.. Enumerable.Range(0, 64).Select(c => MathF.Pow(10, 2f * c / 63))]))], name: "last").Output;
            network.Output(network.Graph.Add("GlobalAveragePool", last));
            Tensor[] before = network.Run();
            if (equalize)
            {
                PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context());
                Assert.IsTrue(outcome.Changed, outcome.Explanation);
            }

            PassOutcome quantized = new StaticQuantization(RangeMethod.MinMax).Apply(network.Model, network.Context(TargetProfiles.TensorRt));
            Assert.IsTrue(quantized.Changed, quantized.Explanation);
            return before.Zip(network.Run(), RealModels.MeanRelativeError).Average();
        }
    }

    [TestMethod]
    public void Refuses_a_target_without_integer_activations()
    {
        EqualizationNetwork network = new();
        network.Output(network.Uneven(network.Uneven(network.Input, "first"), "last"));
        PassOutcome outcome = new CrossLayerEqualization().Apply(network.Model, network.Context(TargetProfiles.Cuda));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "'cuda'");
    }

    [TestMethod]
    public void Refuses_samples_that_give_numbers_that_are_not_finite()
    {
        EqualizationNetwork network = new();
        network.Output(network.Uneven(network.Graph.Add("Relu", network.Uneven(network.Input, "first")), "last"));
        float[] bad = new float[EqualizationNetwork.Channels * 144];
        Array.Fill(bad, float.PositiveInfinity);
        PassOutcome outcome = new CrossLayerEqualization().Apply(
            network.Model, new PassContext(TargetProfiles.Cpu, new ListedSamples(Tensor.Create([1, EqualizationNetwork.Channels, 12, 12], bad))));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "not finite");
    }

    [TestMethod]
    [DoNotParallelize]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("FastestDet.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    [DataRow("ch_PP-OCRv3_det_infer.onnx")]
    public void A_real_model_computes_the_same_and_gets_the_same_bytes_each_time(string name)
    {
        Model simplified = Model.Load(RealModels.Require(name));
        new GraphSimplification().Apply(simplified, new PassContext(TargetProfiles.CpuX64));
        (Model model, Model again) = (simplified.Clone(), simplified.Clone());
        using ModelSession before = ModelSession.Open(model);
        ListedSamples samples = new([.. Enumerable.Range(0, 2).Select(seed => RealModels.RandomInputs(name, before.Inputs, seed, batch: 1)[0])]);

        PassOutcome outcome = new CrossLayerEqualization().Apply(model, new PassContext(TargetProfiles.CpuX64, samples));
        new CrossLayerEqualization().Apply(again, new PassContext(TargetProfiles.CpuX64, samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        CollectionAssert.AreEqual(model.ToBytes(), again.ToBytes());
        using ModelSession after = ModelSession.Open(model);
        IReadOnlyList<Tensor> other = RealModels.RandomInputs(name, before.Inputs, seed: 7, batch: 1);
        AssertSame([.. before.Run(other)], [.. after.Run(other)], DeepTolerance);
    }

    private static Value Halves(EqualizationNetwork network, Value x)
    {
        Node split = network.Graph.AddNode("Split", [x], outputCount: 2).Set("axis", 1L);
        return network.Graph.AddNode("Concat", [split.Outputs[1], network.Graph.Add("Relu", split.Outputs[0])]).Set("axis", 1L).Output;
    }

    private static float Largest(EqualizationNetwork network, Value value, Tensor sample)
    {
        Model copy = network.Model.Clone();
        copy.Graph.AddOutput(copy.Graph.Find(value.Name)!);
        using ModelSession session = ModelSession.Open(copy);
        return session.Run([sample])[0].ToSingles().Max();
    }

    private static void AssertSame(Tensor[] before, Tensor[] after, double tolerance = Tolerance)
    {
        for (int i = 0; i < before.Length; i++)
        {
            Assert.IsLessThan(tolerance, RealModels.RelativeError(before[i], after[i]));
        }
    }
}
