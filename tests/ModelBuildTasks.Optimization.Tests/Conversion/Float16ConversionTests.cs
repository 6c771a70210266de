using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public class Float16ConversionTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cuda);

    public TestContext TestContext { get; set; } = null!;

    public static IEnumerable<object[]> Models => RealModels.Names;

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Real_models_agree_with_float32_and_keep_their_signature(string name)
    {
        Model model = Model.Load(RealModels.Require(name));
        new GraphSimplification().Apply(model, Context);
        byte[] single = model.ToBytes();
        PassOutcome outcome = new Float16Conversion().Apply(model, Context);
        byte[] half = model.ToBytes();
        TestContext.WriteLine($"{name}: {single.Length} → {half.Length} bytes ({(double)half.Length / single.Length:F2}); {outcome.Explanation}");
        foreach (string refusal in outcome.Refusals)
        {
            TestContext.WriteLine("  " + refusal);
        }

        if (!outcome.Changed)
        {
            CollectionAssert.AreEqual(single, half);
            return;
        }

        using ModelSession before = ModelSession.Open(single);
        using ModelSession after = ModelSession.Open(half);
        CollectionAssert.AreEqual(before.Inputs.Select(s => s.ToString()).ToArray(), after.Inputs.Select(s => s.ToString()).ToArray());
        CollectionAssert.AreEqual(before.Outputs.Select(s => (s.Name, s.ElementType)).ToArray(), after.Outputs.Select(s => (s.Name, s.ElementType)).ToArray());
        IReadOnlyList<Tensor> inputs = RealModels.RandomInputs(name, before.Inputs, seed: 1);
        IReadOnlyList<Tensor> expected = before.Run(inputs);
        IReadOnlyList<Tensor> actual = after.Run(inputs);
        for (int i = 0; i < expected.Count; i++)
        {
            double worst = RealModels.RelativeError(expected[i], actual[i]);
            double mean = RealModels.MeanRelativeError(expected[i], actual[i]);
            TestContext.WriteLine($"  output {i}: worst {worst:E1}, mean {mean:E1}");
            // Noise puts networks for photographs far from where they were trained; a softmax multiplies the last bits.
            Assert.IsLessThanOrEqualTo(0.08, worst, before.Outputs[i].ToString());
            Assert.IsLessThanOrEqualTo(0.003, mean, before.Outputs[i].ToString());
        }
    }

    [TestMethod]
    public void Leaves_a_quantized_model_as_it_is()
    {
        Model model = Model.Load(RealModels.Require("micro_kws_m_qdq.onnx"));
        byte[] before = model.ToBytes();

        PassOutcome outcome = new Float16Conversion().Apply(model, Context);

        Assert.IsFalse(outcome.Changed);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void A_transpose_before_a_matrix_product_does_not_crash_the_runtime()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, 4));
        Value transposed = model.Graph.AddNode("Transpose", [x]).Set("perm", [1L, 0, 2]).Output;
        model.Graph.AddOutput(model.Graph.Add("MatMul", transposed, model.Graph.AddInitializer("W", Tensor.Create([4, 5], new float[20]))));

        Assert.IsTrue(new Float16Conversion().Apply(model, Context).Changed);

        using ModelSession session = ModelSession.Open(model);
        Assert.AreEqual(30, session.Run([Tensor.Create([2, 3, 4], new float[24])])[0].Length);
    }

    [TestMethod]
    public void Halves_the_weights_and_leaves_two_casts_at_the_border()
    {
        Model model = Perceptron(weight: 0.5f, bias: 0.25f);

        PassOutcome outcome = new Float16Conversion().Apply(model, Context);

        Assert.IsTrue(outcome.Changed);
        Assert.IsTrue(model.Graph.Initializers.All(value => value.Initializer!.ElementType == ElementType.Float16));
        CollectionAssert.AreEqual(new[] { "Cast", "Gemm", "Relu", "Cast" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
        Assert.AreEqual("y", model.Graph.Outputs[0].Name);
        Assert.AreEqual(ElementType.Float, model.Graph.Outputs[0].Type!.ElementType);
    }

    [TestMethod]
    public void Leaves_a_layer_whose_weights_overflow_in_float32_and_says_why()
    {
        Model model = Perceptron(weight: 70000f, bias: 0);

        PassOutcome outcome = new Float16Conversion().Apply(model, Context);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("'W' does not fit float16", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void Leaves_an_epsilon_that_would_become_zero_in_float32()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value product = model.Graph.Add("MatMul", x, model.Graph.AddInitializer("W", Tensor.Create([4, 4], new float[16])));
        Value guarded = model.Graph.Add("Add", product, model.Graph.AddInitializer("epsilon", Tensor.Scalar(1e-9f)));
        guarded.Name = "y";
        model.Graph.AddOutput(guarded);

        PassOutcome outcome = new Float16Conversion().Apply(model, Context);

        Assert.IsTrue(outcome.Changed);
        Assert.AreEqual(ElementType.Float, model.Graph.Find("epsilon")!.Initializer!.ElementType);
    }

    [TestMethod]
    public void Refuses_for_a_target_that_computes_in_float32()
    {
        PassOutcome outcome = new Float16Conversion().Apply(Perceptron(1, 0), new PassContext(TargetProfiles.CpuX64));

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("cpu-x64", outcome.Explanation);
    }

    [TestMethod]
    public void Keeps_the_scales_of_a_resize_in_float32()
    {
        Model model = Model.Create("g", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1, 4, 4));
        Value convolved = model.Graph.Add("Conv", x, model.Graph.AddInitializer("W", Tensor.Create([1, 1, 1, 1], new[] { 2f })));
        Value resized = model.Graph.Add("Resize", convolved, null, model.Graph.AddInitializer("scales", Tensor.Vector(1f, 1f, 2f, 2f)));
        model.Graph.AddOutput(resized);

        new Float16Conversion().Apply(model, Context);

        Assert.AreEqual(ElementType.Float, model.Graph.Find("scales")!.Initializer!.ElementType);
        Assert.AreEqual(ElementType.Float16, model.Graph.Find("W")!.Initializer!.ElementType);
        using ModelSession session = ModelSession.Open(model);
        Assert.AreEqual(64, session.Run([Tensor.Create([1, 1, 4, 4], new float[16])])[0].Length);
    }

    [TestMethod]
    public void A_fused_gelu_stays_between_its_layers_without_casts()
    {
        Model model = Model.Create("g", 17, 8);
        model.OpsetImports["com.microsoft"] = 1;
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 4));
        Value[] weights = [.. Enumerable.Range(0, 2).Select(i => model.Graph.AddInitializer($"W{i}", Tensor.Create([4, 4], Enumerable.Repeat(0.1f, 16).ToArray())))];
        Value activated = model.Graph.AddNode("Gelu", [model.Graph.Add("MatMul", x, weights[0])], domain: "com.microsoft").Output;
        model.Graph.AddOutput(model.Graph.Add("MatMul", activated, weights[1]));

        new Float16Conversion().Apply(model, Context);

        CollectionAssert.AreEqual(new[] { "Cast", "MatMul", "Gelu", "MatMul", "Cast" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void ONNX_Runtimes_attention_between_products_is_converted()
    {
        Model model = Model.Create("g", 17, 8);
        model.OpsetImports["com.microsoft"] = 1;
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 3, 8));
        Value[] projected = [.. Enumerable.Range(0, 3).Select(i => model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Tensor.Create([8, 8], [.. Enumerable.Range(0, 64).Select(n => (n + i) % 7 / 7f)]))))];
        model.Graph.AddOutput(model.Graph.AddNode("MultiHeadAttention", projected, domain: "com.microsoft").Set("num_heads", 2L).Output);

        new Float16Conversion().Apply(model, Context);

        CollectionAssert.AreEqual(new[] { "Cast", "MatMul", "MatMul", "MatMul", "MultiHeadAttention", "Cast" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void A_clip_of_an_older_operator_set_is_lifted_to_one_with_a_float16_kernel()
    {
        Model model = Model.Create("g", 9, 6);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1, 4, 4));
        Value convolved = model.Graph.Add("Conv", x, model.Graph.AddInitializer("W", Tensor.Create([1, 1, 1, 1], new[] { 2f })));
        model.Graph.AddOutput(model.Graph.AddNode("Clip", [convolved]).Set("min", 0f).Set("max", 6f).Output);

        new Float16Conversion().Apply(model, Context);

        Assert.AreEqual(13, model.Opset);
        CollectionAssert.AreEqual(new[] { "Cast", "Conv", "Clip", "Cast" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
        using ModelSession session = ModelSession.Open(model);
        CollectionAssert.AreEqual(Enumerable.Repeat(6f, 16).ToArray(), session.Run([Tensor.Create([1, 1, 4, 4], Enumerable.Repeat(5f, 16).ToArray())])[0].ToSingles());
    }

    [TestMethod]
    public void A_sum_of_more_numbers_than_float16_counts_stays_in_float32()
    {
        PassOutcome Convert(int side, out Model model)
        {
            model = Model.Create("g", 17, 8);
            Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1, side, side));
            Value convolved = model.Graph.Add("Conv", x, model.Graph.AddInitializer("W", Tensor.Create([1, 1, 1, 1], new[] { 2f })));
            model.Graph.AddOutput(model.Graph.Add("GlobalAveragePool", convolved));
            return new Float16Conversion().Apply(model, Context);
        }

        Assert.IsEmpty(Convert(45, out _).Refusals);
        PassOutcome outcome = Convert(46, out Model deep);
        StringAssert.Contains(outcome.Refusals.Single(), "it sums more than 2048 numbers");
        CollectionAssert.AreEqual(new[] { "Cast", "Conv", "Cast", "GlobalAveragePool" }, deep.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    [DataRow(40000f, DisplayName = "near the largest number")]
    [DataRow(1e-5f, DisplayName = "below the smallest normal number")]
    public void What_leaves_the_range_of_float16_on_the_samples_stays_in_float32(float size)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value scaled = model.Graph.Add("Mul", x, model.Graph.AddInitializer("factor", Tensor.Scalar(size)));
        Value back = model.Graph.Add("Div", scaled, model.Graph.AddInitializer("divisor", Tensor.Scalar(size)));
        model.Graph.AddOutput(model.Graph.Add("MatMul", back, model.Graph.AddInitializer("W", Tensor.Create([4, 4], Enumerable.Repeat(0.5f, 16).ToArray()))));

        PassOutcome outcome = new Float16Conversion().Apply(model, new PassContext(TargetProfiles.Cuda, new ListedSamples(Tensor.Create([1, 4], [1f, -1, 0.5f, 0.25f]))));

        Assert.HasCount(2, outcome.Refusals.Where(reason => reason.Contains("on the calibration samples", StringComparison.Ordinal)));
        CollectionAssert.AreEqual(new[] { "Mul", "Div", "Cast", "MatMul", "Cast" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void Outputs_that_are_not_finite_in_float32_either_return_no_layer()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 8));
        for (int layer = 0; layer < 4; layer++)
        {
            x = model.Graph.Add("MatMul", x, model.Graph.AddInitializer($"W{layer}", ListedSamples.Random([8, 8], 1).Read().Single().Inputs[0]));
        }

        model.Graph.AddOutput(model.Graph.Add("Log", model.Graph.Add("Relu", x)));

        PassOutcome outcome = new Float16Conversion().Apply(model, new PassContext(TargetProfiles.Cuda, ListedSamples.Random([1, 8], 32)));

        Assert.IsFalse(outcome.Refusals.Any(reason => reason.Contains("the outputs would differ", StringComparison.Ordinal)), string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void The_samples_are_read_once_for_ranges_though_the_operator_set_is_lifted_and_layers_return()
    {
        Model model = Model.Create("g", 11, 6);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 8));
        for (int layer = 0; layer < 4; layer++)
        {
            x = model.Graph.Add("MatMul", x, model.Graph.AddInitializer($"W{layer}", ListedSamples.Random([8, 8], 1).Read().Single().Inputs[0]));
        }

        // What rounding takes of the large sum is large beside the difference.
        Value much = model.Graph.AddInitializer("much", Tensor.Scalar(2048f));
        model.Graph.AddOutput(model.Graph.Add("Sub", model.Graph.Add("Add", x, much), much));
        CountedSamples samples = new(ListedSamples.Random([1, 8], 64));

        PassOutcome outcome = new Float16Conversion().Apply(model, new PassContext(TargetProfiles.Cuda, samples));

        Assert.Contains(reason => reason.Contains("the outputs would differ", StringComparison.Ordinal), outcome.Refusals, "Nothing was chosen again.");
        Assert.AreEqual(13, model.Opset);
        Assert.AreEqual(1, samples.WholeReads);
    }

    [TestMethod]
    public void What_both_branches_give_in_float16_leaves_the_if_so()
    {
        Model model = Model.Create("g", 17, 8);
        Value condition = model.Graph.AddInput("condition", new TensorType(ElementType.Bool));
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value w = model.Graph.AddInitializer("W", Tensor.Create([4, 4], Enumerable.Repeat(0.5f, 16).ToArray()));
        Value chosen = Branches.AddIf(condition, then => then.Add("MatMul", x, w), otherwise => otherwise.Add("Relu", otherwise.Add("MatMul", x, w)));
        model.Graph.AddOutput(model.Graph.Add("MatMul", chosen, w));

        new Float16Conversion().Apply(model, Context);

        Node[] casts = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(node => node.OpType == "Cast")];
        Assert.HasCount(2, casts, string.Join("\n", casts.Select(cast => cast.ToString())));
        Assert.IsTrue(casts.All(cast => cast.Graph == model.Graph));
        using ModelSession session = ModelSession.Open(model);
        CollectionAssert.AreEqual(new float[] { 4, 4, 4, 4 }, session.Run([Tensor.Scalar(true), Tensor.Create([1, 4], [1f, 1, 1, 1])])[0].ToSingles());
    }

    [TestMethod]
    public void The_casts_of_a_model_in_mixed_precision_do_not_stay_beside_ours()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 4));
        Value wide = model.Graph.AddNode("Cast", [x]).Set("to", (long)ElementType.Float).Output;
        Value product = model.Graph.Add("MatMul", wide, model.Graph.AddInitializer("W", Tensor.Create([4, 4], Enumerable.Repeat(0.5f, 16).ToArray())));
        Value narrow = model.Graph.AddNode("Cast", [product]).Set("to", (long)ElementType.Float16).Output;
        model.Graph.AddOutput(model.Graph.Add("Relu", narrow));

        new Float16Conversion().Apply(model, Context);

        CollectionAssert.AreEqual(new[] { "MatMul", "Relu" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray());
    }

    private static Model Perceptron(float weight, float bias)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 4));
        Value w = model.Graph.AddInitializer("W", Tensor.Create([4, 3], Enumerable.Repeat(weight, 12).ToArray()));
        Value b = model.Graph.AddInitializer("b", Tensor.Vector(bias, bias, bias));
        Value y = model.Graph.Add("Relu", model.Graph.Add("Gemm", x, w, b));
        y.Name = "y";
        y.Type = new TensorType(ElementType.Float, "batch", 3);
        model.Graph.AddOutput(y);
        return model;
    }

    private sealed class CountedSamples(ListedSamples samples) : Dataset
    {
        public override string Path => samples.Path;

        public override int Count => samples.Count;

        public override bool HasLabels => samples.HasLabels;

        /// <summary>How often all samples were asked for, and read.</summary>
        internal int WholeReads { get; private set; }

        public override IEnumerable<Sample> Read()
        {
            foreach (Sample sample in samples.Read())
            {
                yield return sample;
            }

            WholeReads++;
        }

        protected override IEnumerable<Sample> Read(IReadOnlyList<int> indices) => samples.Read().Where((_, index) => indices.Contains(index));
    }
}
