using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class WeightOnlyQuantizationTests
{
    private static readonly BlockFormat FourBits = new(4, 32, IsSymmetric: false);

    [TestMethod]
    [DataRow(2, 16, true, 64, 24)]
    [DataRow(2, 32, false, 67, 13)]
    [DataRow(4, 16, false, 40, 9)]
    [DataRow(4, 32, true, 64, 24)]
    [DataRow(4, 32, false, 97, 11)]
    [DataRow(4, 256, false, 300, 7)]
    [DataRow(4, 128, true, 50, 5)]
    [DataRow(8, 16, true, 33, 5)]
    [DataRow(8, 64, false, 129, 10)]
    public void The_runtime_reads_the_codes_as_they_were_meant(int bits, int block, bool symmetric, int inputs, int outputs)
    {
        BlockFormat format = new(bits, block, symmetric);
        Model model = Product(inputs, outputs, out Tensor weight);
        float[] expected = BlockQuantizer.Quantize(new WeightMatrix(weight, IsTransposed: false), format.For(inputs), new RoundToNearest(), [], default).ToSingles();

        Apply(model, new WeightOnlyQuantization(format, WeightOnlyAlgorithm.RoundToNearest));

        AssertIsIdentityTimes(expected, model, inputs);
    }

    [TestMethod]
    public void The_plan_tells_the_bits_of_packed_weights()
    {
        Model model = Product(64, 24, out _);

        PassOutcome outcome = new WeightOnlyQuantization(FourBits).Apply(model, new PassContext(TargetProfiles.CpuX64));

        PlannedLayer layer = outcome.Plan!.Layers.Single();
        Assert.AreEqual(4, layer.WeightBits);
        Assert.IsFalse(layer.IsInteger);
    }

    [TestMethod]
    public void The_plan_tells_of_each_layer_why_it_keeps_its_weights()
    {
        SmallNetwork network = new();
        Value convolved = network.Graph.Add("ConvTranspose", network.Convolve(network.Input, "a"), network.Weight("up", 32, 32, 1, 1));
        Value scores = network.Graph.Add("MatMul", convolved, network.Graph.AddNode("Transpose", [convolved]).Set("perm", [0L, 1, 3, 2]).Output);
        network.Classify(scores);

        QuantizationPlan plan = new WeightOnlyQuantization(FourBits).Apply(network.Model, new PassContext(TargetProfiles.CpuX64)).Plan!;

        CollectionAssert.AreEqual(
            new[] { "no kernel convolves with packed weights", "no kernel convolves with packed weights", "its weights are not constant float32", "its weights alone are integers" },
            plan.Layers.Select(layer => layer.Reason).ToArray());
    }

    [TestMethod]
    public void A_model_without_a_weight_to_pack_has_a_plan_that_says_why()
    {
        SmallNetwork network = new();
        network.Output(network.Convolve(network.Input, "a"));

        PassOutcome outcome = new WeightOnlyQuantization(FourBits).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsFalse(outcome.Changed);
        Assert.AreEqual("no kernel convolves with packed weights", outcome.Plan!.Layers.Single().Reason);
    }

    [TestMethod]
    public void Signs_come_out_as_plus_and_minus_the_mean_magnitude()
    {
        Model model = Product(32, 8, out Tensor weight);
        float[] weights = weight.ToSingles();
        float[] means = [.. Enumerable.Range(0, 8).Select(o => Enumerable.Range(0, 32).Average(i => Math.Abs(weights[i * 8 + o])))];

        Apply(model, new WeightOnlyQuantization(BlockFormat.Binary(32)));

        AssertIsIdentityTimes([.. weights.Select((w, i) => w < 0 ? -means[i % 8] : means[i % 8])], model, 32);
    }

    [TestMethod]
    [DataRow(0L)]
    [DataRow(1L)]
    public void A_gemm_keeps_its_factors_and_its_bias(long transposed)
    {
        Model model = Model.Create("gemm", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", 70));
        Value w = model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), transposed == 1 ? [20, 70] : [70, 20]));
        Value b = model.Graph.AddInitializer("b", Weights.Uniform(new Random(2), [1, 20]));
        model.Graph.AddOutput(model.Graph.AddNode("Gemm", [x, w, b], name: "g").Set("transB", transposed).Set("alpha", 0.5f).Set("beta", 2f).Output);

        AssertStaysClose(model, new WeightOnlyQuantization(new BlockFormat(8, 32, IsSymmetric: true)), Weights.Uniform(new Random(3), [5, 70]));
        CollectionAssert.AreEqual(new[] { "MatMulNBits" }, model.Graph.Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void Batches_of_any_rank_are_taken()
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "a", "b", "c", 64));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [64, 24]))));

        AssertStaysClose(model, new WeightOnlyQuantization(new BlockFormat(8, 32, IsSymmetric: true)), Weights.Uniform(new Random(3), [2, 3, 4, 64]));
    }

    [TestMethod]
    public void One_vector_is_taken()
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 64));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [64, 24]))));

        AssertStaysClose(model, new WeightOnlyQuantization(new BlockFormat(8, 32, IsSymmetric: true)), Weights.Uniform(new Random(3), [64]));
    }

    [TestMethod]
    public void Layers_inside_branches_are_packed_without_samples()
    {
        Model model = Model.Create("branches", 13, 7);
        Value condition = model.Graph.AddInput("condition", new TensorType(ElementType.Bool));
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", 64));
        Value shared = model.Graph.AddInitializer("shared", Weights.Uniform(new Random(1), [64, 24]));
        model.Graph.AddOutput(Branches.AddIf(
            condition,
            branch => branch.Add("MatMul", x, shared),
            branch => branch.Add("MatMul", branch.Add("Neg", x), branch.AddInitializer("own", Weights.Uniform(new Random(2), [64, 24])))));
        Tensor[][] inputs = [.. new[] { true, false }.Select(choice => new[] { Tensor.Scalar(choice), Weights.Uniform(new Random(3), [5, 64]) })];
        Tensor[] before = Run(model, inputs);

        Apply(model, new WeightOnlyQuantization(new BlockFormat(8, 32, IsSymmetric: true)));

        Tensor[] after = Run(model, inputs);
        Assert.IsLessThan(0.02, RealModels.RelativeError(before[0], after[0]));
        Assert.IsLessThan(0.02, RealModels.RelativeError(before[1], after[1]));
        Assert.IsEmpty(model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(node => node.OpType == "MatMul"));
    }

    [TestMethod]
    public void Layers_that_share_weights_share_the_packed_ones()
    {
        Model model = Model.Create("twice", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", 64));
        Value w = model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [64, 64]));
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Add("MatMul", x, w), w));

        Apply(model, new WeightOnlyQuantization(FourBits));

        Assert.AreEqual(3, model.Graph.Initializers.Count());
    }

    [TestMethod]
    public void Weights_that_are_read_in_float_as_well_are_left()
    {
        Model model = Product(64, 24, out _);
        model.Graph.AddOutput(model.Graph.Add("Neg", model.Graph.Find("w")!));

        AssertRefused(model, "stored twice");
    }

    [TestMethod]
    public void Samples_make_the_result_better()
    {
        HeavyTailedLayer layer = new(96, 32, 256);
        ListedSamples samples = new([.. layer.X.Chunk(8 * 96).Select(rows => Tensor.Create([8, 96], rows))]);
        double blind = Error(null), calibrated = Error(samples);

        Assert.IsLessThan(0.6 * blind, calibrated);

        double Error(ListedSamples? calibration)
        {
            Model model = Product(layer);
            Tensor x = Tensor.Create([256, 96], layer.X);
            float[] expected = Run(model, [x])[0].ToSingles();
            Assert.IsTrue(new WeightOnlyQuantization(FourBits).Apply(model, new PassContext(TargetProfiles.Cpu, calibration)).Changed);
            model.Graph.Nodes.Single().Unset("accuracy_level");
            return expected.Zip(Run(model, [x])[0].ToSingles(), (a, b) => Math.Pow(a - b, 2)).Sum();
        }
    }

    [TestMethod]
    public void The_bytes_are_the_same_every_time()
    {
        HeavyTailedLayer layer = new(96, 32, 256);
        ListedSamples samples = new([.. layer.X.Chunk(8 * 96).Select(rows => Tensor.Create([8, 96], rows))]);
        byte[][] results = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            Model model = Product(layer);
            new WeightOnlyQuantization(FourBits).Apply(model, new PassContext(TargetProfiles.Cpu, samples));
            return model.ToBytes();
        })];

        CollectionAssert.AreEqual(results[0], results[1]);
        CollectionAssert.AreEqual(results[0], results[2]);
    }

    [TestMethod]
    public void Weights_beside_the_model_are_packed_too()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Model model = Product(64, 24, out _);
            string path = Path.Combine(folder, "model.onnx");
            model.Save(path, WeightPlacement.External);
            model = Model.Load(path);

            AssertStaysClose(model, new WeightOnlyQuantization(new BlockFormat(8, 32, IsSymmetric: true)), Weights.Uniform(new Random(3), [5, 64]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void TensorRT_is_refused_as_it_knows_standard_operators_only() =>
        AssertRefused(Product(64, 24, out _), "standard operators only", TargetProfiles.TensorRt);

    [TestMethod]
    public void Two_bits_are_refused_where_no_kernel_has_them() =>
        AssertRefused(Product(64, 24, out _), "none for 2", TargetProfiles.Cuda, new BlockFormat(2, 32, IsSymmetric: true));

    [TestMethod]
    public void A_packed_model_is_not_packed_again()
    {
        Model model = Product(64, 24, out _);
        Apply(model, new WeightOnlyQuantization(FourBits));

        AssertRefused(model, "quantized already");
    }

    [TestMethod]
    public void GPTQ_without_samples_is_refused() =>
        AssertRefused(Product(64, 24, out _), "needs calibration samples", algorithm: WeightOnlyAlgorithm.Gptq);

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.NegativeInfinity)]
    public void Weights_that_are_not_finite_are_left(float number)
    {
        Model model = Product(64, 24, out Tensor weight);
        float[] weights = weight.ToSingles();
        weights[100] = number;
        model.Graph.Find("w")!.Initializer = Tensor.Create([64, 24], weights);

        AssertRefused(model, "not finite");
    }

    [TestMethod]
    public void Empty_weights_are_left() => AssertRefused(Product(64, 0, out _), "empty");

    [TestMethod]
    public void Convolutions_are_left_with_the_reason()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        Model model = network.Model;

        PassOutcome outcome = new WeightOnlyQuantization(FourBits).Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.Contains(refusal => refusal.Contains("no kernel convolves", StringComparison.Ordinal), outcome.Refusals);
    }

    [TestMethod]
    [DataRow(2, true)]
    [DataRow(4, false)]
    [DataRow(8, true)]
    public void No_weight_is_packed_that_makes_the_file_larger(int bits, bool symmetric)
    {
        for (int outputs = 1; outputs <= 24; outputs++)
        {
            Model model = Product(32, outputs, out _);
            int before = model.ToBytes().Length;
            if (new WeightOnlyQuantization(new BlockFormat(bits, 32, symmetric)).Apply(model, new PassContext(TargetProfiles.CpuX64)).Changed)
            {
                Assert.IsLessThan(before, model.ToBytes().Length, $"{outputs} outputs");
            }
        }
    }

    [TestMethod]
    public void Weights_that_would_not_get_smaller_are_left() => AssertRefused(Product(2, 8, out _), "would not be smaller");

    [TestMethod]
    public void Samples_that_do_not_fit_are_reported()
    {
        Model model = Product(64, 24, out _);

        PassOutcome outcome = new WeightOnlyQuantization(FourBits).Apply(model, new PassContext(TargetProfiles.Cpu, new ListedSamples(Tensor.Create([1, 3], [1f, 2f, 3f]))));

        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "Calibration failed");
    }

    [TestMethod]
    [DataRow(8, true)]
    [DataRow(8, false)]
    [DataRow(4, true)]
    [DataRow(4, false)]
    public void Gives_the_same_bytes_each_time(int bits, bool hasSamples)
    {
        Model model = Product(160, 96, out _);
        Model again = model.Clone();
        PassContext context = new(TargetProfiles.Cpu, hasSamples ? ListedSamples.Random([4, 160], 16) : null);

        Assert.IsTrue(new WeightOnlyQuantization(new BlockFormat(bits, 32, IsSymmetric: true)).Apply(model, context).Changed);
        new WeightOnlyQuantization(new BlockFormat(bits, 32, IsSymmetric: true)).Apply(again, context);

        CollectionAssert.AreEqual(model.ToBytes(), again.ToBytes());
    }

    private static Model Product(int inputs, int outputs, out Tensor weight)
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", inputs));
        weight = Weights.Uniform(new Random(inputs), [inputs, outputs], -1, 0.7f);
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("w", weight)], name: "product").Output);
        return model;
    }

    private static Model Product(HeavyTailedLayer layer)
    {
        Model model = Product(layer.Inputs, layer.Outputs, out _);
        model.Graph.Find("w")!.Initializer = Tensor.Create([layer.Inputs, layer.Outputs], layer.Weights);
        return model;
    }

    private static void Apply(Model model, WeightOnlyQuantization pass)
    {
        PassOutcome outcome = pass.Apply(model, new PassContext(TargetProfiles.Cpu));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsEmpty(model.Validate());
    }

    private static Tensor[] Run(Model model, params Tensor[][] inputs)
    {
        using ModelSession session = ModelSession.Open(model);
        return [.. inputs.Select(input => session.Run(input)[0])];
    }

    private static void AssertStaysClose(Model model, WeightOnlyQuantization pass, Tensor x)
    {
        Tensor expected = Run(model, [x])[0];
        Apply(model, pass);
        Assert.IsLessThan(0.02, RealModels.RelativeError(expected, Run(model, [x])[0]));
    }

    private static void AssertRefused(
        Model model, string reason, TargetProfile? target = null, BlockFormat? format = null, WeightOnlyAlgorithm algorithm = WeightOnlyAlgorithm.Auto)
    {
        byte[] bytes = model.ToBytes();
        PassOutcome outcome = new WeightOnlyQuantization(format ?? FourBits, algorithm).Apply(model, new PassContext(target ?? TargetProfiles.Cpu));
        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        StringAssert.Contains(string.Join(" ", [outcome.Explanation, .. outcome.Refusals]), reason);
        CollectionAssert.AreEqual(bytes, model.ToBytes());
    }

    private static void AssertIsIdentityTimes(float[] expected, Model model, int inputs)
    {
        float[] identity = new float[inputs * inputs];
        for (int i = 0; i < inputs; i++)
        {
            identity[i * inputs + i] = 1;
        }

        float[] actual = Run(model, [Tensor.Create([inputs, inputs], identity)])[0].ToSingles();
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], actual[i], 1e-5f);
        }
    }
}
