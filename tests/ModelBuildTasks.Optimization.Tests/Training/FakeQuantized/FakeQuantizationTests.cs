using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.FakeQuantized;

namespace ModelBuildTasks.Optimization.Tests.Training.FakeQuantized;

[TestClass]
public sealed class FakeQuantizationTests
{
    /// <summary>Integers that another processor's float arithmetic puts on the other side of a tie are one step apart, and what follows from them.</summary>
    private const double Step = 0.02;

    [TestMethod]
    public void Storing_what_was_not_trained_gives_the_same_bytes()
    {
        Model quantized = Quantized(TargetProfiles.CpuX64);
        Model stored = quantized.Clone();
        FakeQuantization.Of(quantized)!.Store(stored);
        CollectionAssert.AreEqual(quantized.ToBytes(), stored.ToBytes());
    }

    [TestMethod]
    public void Computes_what_the_integers_compute()
    {
        Model quantized = Quantized(TargetProfiles.CpuX64);
        Assert.IsLessThan(Step, Difference(quantized, FakeQuantization.Of(quantized)!.Model));
    }

    /// <summary>8 bits, 7 bits where products may saturate, symmetric activations with float biases.</summary>
    [TestMethod]
    [DataRow("cpu-x64")]
    [DataRow("cpu")]
    [DataRow("tensorrt")]
    public void The_artifact_computes_what_was_trained(string target)
    {
        Model quantized = Quantized(TargetProfiles.All.Single(profile => profile.Name == target));
        FakeQuantization fake = FakeQuantization.Of(quantized)!;
        double moved = Move(fake, quantized);
        fake.Store(quantized);
        Assert.IsGreaterThan(3 * Step, moved);
        Assert.IsLessThan(Step, Difference(quantized, fake.Model));
    }

    [TestMethod]
    public void The_stored_integers_are_the_rounded_weights()
    {
        Model quantized = Quantized(TargetProfiles.Cpu);
        FakeQuantization fake = FakeQuantization.Of(quantized)!;
        Move(fake, quantized);
        fake.Store(quantized);

        float[] weight = Weight(fake);
        float[] scales = fake.Model.Graph.Find("conv0.w_scale")!.Initializer!.ToSingles();
        sbyte[] codes = quantized.Graph.Find("conv0.w_quantized")!.Initializer!.Span<sbyte>().ToArray();
        CollectionAssert.AreEqual(scales, quantized.Graph.Find("conv0.w_scale")!.Initializer!.ToSingles());
        int filter = weight.Length / scales.Length;
        CollectionAssert.AreEqual(weight.Select((w, i) => (sbyte)Math.Clamp(MathF.Round(w / scales[i / filter]), -64, 64)).ToArray(), codes);
    }

    [TestMethod]
    public void The_graph_stays_as_it_was()
    {
        Model quantized = Quantized(TargetProfiles.CpuX64);
        string[] before = Nodes(quantized);
        FakeQuantization fake = FakeQuantization.Of(quantized)!;
        Move(fake, quantized);
        fake.Store(quantized);
        CollectionAssert.AreEqual(before, Nodes(quantized));
        Assert.AreEqual(2, OptimizedGraph.Operators(quantized)["QLinearConv"]);
    }

    [TestMethod]
    public void A_bias_is_stored_in_the_product_of_the_scales()
    {
        Model quantized = Quantized(TargetProfiles.CpuX64);
        FakeQuantization fake = FakeQuantization.Of(quantized)!;
        Move(fake, quantized);
        fake.Store(quantized);

        float input = quantized.Graph.Find("x_scale")!.Initializer!.ToSingles()[0];
        float[] weights = quantized.Graph.Find("conv0.w_scale")!.Initializer!.ToSingles();
        CollectionAssert.AreEqual(Array.ConvertAll(weights, weight => input * weight), quantized.Graph.Find("conv0.b_scale")!.Initializer!.ToSingles());
    }

    /// <summary>A pooling stands on the integers, and a Concat joins two tensors: one scale for all of them.</summary>
    [TestMethod]
    public void Scales_that_must_be_equal_are_one_parameter()
    {
        SmallNetwork network = new();
        Value first = network.Graph.Add("Relu", network.Convolve(network.Input, "a"));
        Value second = network.Graph.Add("Relu", network.Convolve(network.Input, "b"));
        Value joined = network.Graph.AddNode("Concat", [first, second]).Set("axis", 1L).Output;
        Value pooled = network.Graph.AddNode("MaxPool", [joined]).Set("kernel_shape", [2L, 2]).Output;
        network.Classify(network.Graph.Add("Relu", network.Convolve(pooled, "c", inputs: 64)));
        Assert.IsTrue(network.Quantize().Changed);

        FakeQuantization fake = FakeQuantization.Of(network.Model)!;
        // Of the input, the joined parts, and what is pooled at the end, before and after; of four weights.
        Assert.HasCount(8, fake.Scales);
        Move(fake, network.Model);
        fake.Store(network.Model);
        Assert.IsLessThan(Step, Difference(network.Model, fake.Model));
    }

    [TestMethod]
    public void Has_a_gradient_for_all_that_it_names()
    {
        FakeQuantization fake = FakeQuantization.Of(Quantized(TargetProfiles.CpuX64))!;
        Model model = fake.Model.Clone();
        Value loss = model.Graph.AddNode("ReduceMean", [model.Graph.Outputs[0]]).Set("keepdims", 0).Output;
        model.Graph.AddOutput(loss);
        string[] names = [.. fake.Weights, .. fake.Biases, .. fake.Scales];
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, names, [Input]);
        CollectionAssert.AreEqual(names, gradient.Parameters.ToArray());
    }

    [TestMethod]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("aka_resnet20_cifar10.onnx")]
    public void Real_models_come_back_as_they_were(string name)
    {
        QuantizationCase entry = new(name);
        PassOutcome outcome = entry.Quantize(TargetProfiles.CpuX64, samples: 4);
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Model stored = entry.Quantized.Clone();
        FakeQuantization.Of(entry.Quantized)!.Store(stored);
        foreach (Value before in entry.Quantized.Graph.Initializers)
        {
            Tensor after = stored.Graph.Find(before.Name)!.Initializer!;
            if (after.ElementType != ElementType.Int32)
            {
                Assert.IsTrue(before.Initializer!.Data.Span.SequenceEqual(after.Data.Span), before.Name);
                continue;
            }

            // A bias beside tiny weights has more digits in int32 than in float.
            foreach ((float first, float second) in before.Initializer!.ToSingles().Zip(after.ToSingles()))
            {
                Assert.AreEqual(first, second, Math.Abs(first) / (1 << 22));
            }
        }
    }

    [TestMethod]
    public void A_model_of_floats_has_no_such_form()
    {
        Assert.IsNull(FakeQuantization.Of(SmallNetwork.Chain(2, out _).Model));
    }

    /// <summary>The first layer's, out of the units that it is trained in.</summary>
    private static float[] Weight(FakeQuantization fake)
    {
        float[] trained = fake.Model.Graph.Find("conv0.w_quantized_float")!.Initializer!.ToSingles(), units = fake.Model.Graph.Find("conv0.w_quantized_units")!.Initializer!.ToSingles();
        return [.. trained.Select((number, i) => number * units[i / (trained.Length / units.Length)])];
    }

    private static Tensor Input => ListedSamples.Random(SmallNetwork.InputShape, 1).Read().First().Inputs[0];

    private static Model Quantized(TargetProfile target)
    {
        SmallNetwork network = SmallNetwork.Chain(2, out _);
        PassOutcome outcome = network.Quantize(target);
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        return network.Model;
    }

    /// <summary>Moves every parameter; gives how far the output is from before.</summary>
    private static double Move(FakeQuantization fake, Model before)
    {
        Random random = new(3);
        Graph graph = fake.Model.Graph;
        foreach (string name in (string[])[.. fake.Weights, .. fake.Biases, .. fake.Scales])
        {
            Tensor tensor = graph.Find(name)!.Initializer!;
            bool isScale = fake.Scales.Contains(name);
            graph.Find(name)!.Initializer = Tensor.Create([.. tensor.Dimensions], Array.ConvertAll(tensor.ToSingles(), number => isScale
                ? number * (0.9f + (0.2f * random.NextSingle()))
                : number + (0.5f * (random.NextSingle() - 0.4f))));
        }

        return Difference(before, fake.Model);
    }

    private static double Difference(Model first, Model second)
    {
        using ModelSession one = ModelSession.Open(first), other = ModelSession.Open(second);
        return RealModels.RelativeError(one.Run([Input])[0], other.Run([Input])[0]);
    }

    private static string[] Nodes(Model model) => [.. model.Graph.TopologicalOrder().Select(node => $"{node.OpType} {node.Name}")];
}
