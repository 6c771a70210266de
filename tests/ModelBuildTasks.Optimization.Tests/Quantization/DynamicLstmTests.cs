using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class DynamicLstmTests
{
    private const int Inputs = 96, Hidden = 128, Steps = 7;

    [TestMethod]
    [DataRow("forward", 1)]
    [DataRow("reverse", 1)]
    [DataRow("bidirectional", 2)]
    public void Computes_each_direction_in_integers(string direction, int directions)
    {
        Model model = Recurrent("LSTM", direction, directions);
        Tensor sample = Weights.Uniform(new Random(5), [Steps, 2, Inputs]);
        using ModelSession before = ModelSession.Open(model);

        PassOutcome outcome = Quantize(model, TargetProfiles.CpuX64);

        StringAssert.Contains(outcome.Explanation, "1 LSTMs compute in integers");
        using ModelSession after = ModelSession.Open(model);
        IReadOnlyList<Tensor> expected = before.Run([sample]), actual = after.Run([sample]);
        Assert.HasCount(3, actual);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.IsLessThan(0.03, RealModels.RelativeError(expected[i], actual[i]));
        }
    }

    [TestMethod]
    public void Completes_a_model_whose_products_something_else_has_quantized()
    {
        Model model = Recurrent("LSTM", "forward", 1);
        Value wide = model.Graph.Add("MatMul", model.Graph.Inputs[0], model.Graph.AddInitializer("p", Weights.Uniform(new Random(3), [Inputs, 1024])));
        model.Graph.AddOutput(wide);
        Assert.IsTrue(DynamicLstm.IsIn(model));

        PassOutcome outcome = new DynamicLstm().Apply(model, new PassContext(TargetProfiles.CpuX64));

        StringAssert.Contains(outcome.Explanation, "1 LSTMs compute in integers");
        CollectionAssert.AreEquivalent(new[] { "DynamicQuantizeLSTM", "MatMul" }, model.Graph.Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        Model model = Recurrent("LSTM", "bidirectional", 2);
        Model again = model.Clone();

        Assert.IsTrue(new DynamicLstm().Apply(model, new PassContext(TargetProfiles.CpuX64)).Changed);
        new DynamicLstm().Apply(again, new PassContext(TargetProfiles.CpuX64));

        CollectionAssert.AreEqual(model.ToBytes(), again.ToBytes());
    }

    [TestMethod]
    public void Has_no_kernel_for_other_targets_than_processors()
    {
        Model model = Recurrent("LSTM", "forward", 1);
        PassOutcome outcome = new DynamicLstm().Apply(model, new PassContext(TargetProfiles.Cuda));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "cuda");
    }

    [TestMethod]
    public void Keeps_weights_in_seven_bits_for_any_processor()
    {
        Model model = Recurrent("LSTM", "forward", 1);
        Assert.IsTrue(Quantize(model, TargetProfiles.Cpu).Changed);
        Assert.AreEqual(64, model.Graph.Find("w_quantized")!.Initializer!.Span<sbyte>().ToArray().Max(code => Math.Abs((int)code)));
    }

    [TestMethod]
    public void Gives_every_row_of_a_gate_a_scale()
    {
        Model model = Recurrent("LSTM", "bidirectional", 2);
        float[] exact = model.Graph.Find("r")!.Initializer!.ToSingles();
        Assert.IsTrue(Quantize(model, TargetProfiles.CpuX64).Changed);
        Tensor codes = model.Graph.Find("r_quantized")!.Initializer!;
        Tensor scales = model.Graph.Find("r_scale")!.Initializer!;
        CollectionAssert.AreEqual(new long[] { 2, Hidden, 4 * Hidden }, codes.Dimensions.ToArray());
        CollectionAssert.AreEqual(new long[] { 2, 4 * Hidden }, scales.Dimensions.ToArray());
        for (int i = 0; i < exact.Length; i++)
        {
            int column = i % Hidden, row = i / Hidden % (4 * Hidden), direction = i / Hidden / (4 * Hidden);
            float scale = scales.Span<float>()[direction * 4 * Hidden + row];
            Assert.AreEqual(exact[i], scale * codes.Span<sbyte>()[(direction * Hidden + column) * 4 * Hidden + row], scale * 0.501f);
        }
    }

    [TestMethod]
    [DataRow("GRU", "no integer kernel for GRU")]
    [DataRow("RNN", "no integer kernel for RNN")]
    public void Says_that_other_recurrences_have_no_kernel(string operation, string reason)
    {
        Model model = Recurrent(operation, "forward", 1);
        // A product beside it, so that there is something to quantize.
        Value wide = model.Graph.Add("MatMul", model.Graph.Inputs[0], model.Graph.AddInitializer("p", Weights.Uniform(new Random(3), [Inputs, 1024])));
        model.Graph.AddOutput(wide);
        PassOutcome outcome = Quantize(model, TargetProfiles.CpuX64);
        StringAssert.Contains(string.Join("\n", outcome.Refusals), reason);
        Assert.HasCount(1, model.Graph.Nodes.Where(node => node.OpType == operation));
    }

    [TestMethod]
    public void Leaves_a_small_recurrence_in_float()
    {
        Model model = Recurrent("LSTM", "forward", 1, hidden: 32);
        PassOutcome outcome = Quantize(model, TargetProfiles.CpuX64);
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Refusals.Single(), "fewer than 49152");
    }

    [TestMethod]
    public void Leaves_a_recurrence_with_infinite_weights_in_float()
    {
        Model model = Recurrent("LSTM", "forward", 1);
        float[] weights = model.Graph.Find("w")!.Initializer!.ToSingles();
        weights[5] = float.PositiveInfinity;
        model.Graph.Find("w")!.Initializer = Tensor.Create([1, 4 * Hidden, Inputs], weights);
        PassOutcome outcome = Quantize(model, TargetProfiles.CpuX64);
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Refusals.Single(), "finite");
    }

    [TestMethod]
    [DataRow("dtln_model_1.onnx", 30, 0.40)]
    [DataRow("tract_byte_bidi_lstm.onnx", 40, 0.35)]
    [DataRow("silero_vad.onnx", 30, 0.70)]
    [DataRow("silero_vad_op18_ifless.onnx", 30, 0.75)]
    public void Shrinks_a_real_model_that_still_answers_alike(string name, double leastDecibels, double largestSize)
    {
        foreach (TargetProfile target in new[] { TargetProfiles.CpuX64, TargetProfiles.Cpu })
        {
            Model model = Model.Load(RealModels.Require(name));
            new GraphSimplification().Apply(model, new PassContext(target));
            byte[] simplified = model.ToBytes();

            PassOutcome outcome = Quantize(model, target);

            Assert.IsTrue(outcome.Changed, outcome.Explanation);
            byte[] quantized = model.ToBytes();
            using ModelSession before = ModelSession.Open(simplified);
            using ModelSession after = ModelSession.Open(quantized);
            double signal = 0, noise = 0;
            for (int seed = 0; seed < 8; seed++)
            {
                IReadOnlyList<Tensor> inputs = RealModels.RandomInputs(name, before.Inputs, seed);
                foreach ((Tensor expected, Tensor actual) in before.Run(inputs).Zip(after.Run(inputs)))
                {
                    float[] exact = expected.ToSingles();
                    signal += exact.Sum(value => (double)value * value);
                    noise += exact.Zip(actual.ToSingles(), (a, b) => ((double)a - b) * (a - b)).Sum();
                }
            }

            Assert.IsGreaterThan(leastDecibels, 10 * Math.Log10(signal / noise), $"{name} for {target}");
            Assert.IsLessThan(largestSize, quantized.Length / (double)simplified.Length, name);
        }
    }

    private static PassOutcome Quantize(Model model, TargetProfile target) => new DynamicQuantization().Apply(model, new PassContext(target));

    private static Model Recurrent(string operation, string direction, int directions, int hidden = Hidden)
    {
        int gates = operation switch { "LSTM" => 4, "GRU" => 3, _ => 1 };
        Random random = new(7);
        Model model = Model.Create("recurrent", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, Steps, 2, Inputs));
        Node node = model.Graph.AddNode(
            operation,
            [x, Weight("w", directions, gates * hidden, Inputs), Weight("r", directions, gates * hidden, hidden), Weight("b", directions, 2 * gates * hidden)],
            operation == "LSTM" ? 3 : 2,
            "recurrence");
        node.Set("hidden_size", (long)hidden).Set("direction", direction);
        foreach (Value output in node.Outputs)
        {
            model.Graph.AddOutput(output);
        }

        return model;

        Value Weight(string name, params long[] shape) => model.Graph.AddInitializer(name, Weights.Uniform(random, shape, -0.2f, 0.2f));
    }
}
