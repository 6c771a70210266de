using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public sealed class Float32ConversionTests
{
    [TestMethod]
    public void Keeps_the_types_of_inputs_and_outputs()
    {
        Model model = HalfNetwork();
        Tensor sample = Half([1, 8, 6, 6]);
        using ModelSession before = ModelSession.Open(model);

        PassOutcome outcome = Convert(model, TargetProfiles.Cpu);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        using ModelSession after = ModelSession.Open(model);
        Assert.AreEqual("x: Float16[1, 8, 6, 6]", after.Inputs.Single().ToString());
        Assert.IsTrue(after.Outputs.All(output => output.ElementType == ElementType.Float16));
        CollectionAssert.AreEqual(before.Outputs.Select(output => output.Name).ToArray(), after.Outputs.Select(output => output.Name).ToArray());
        foreach ((Tensor expected, Tensor actual) in before.Run([sample]).Zip(after.Run([sample])))
        {
            Assert.IsLessThan(0.01, RealModels.RelativeError(expected, actual));
        }
    }

    [TestMethod]
    public void What_was_lifted_can_be_lifted_again()
    {
        Model model = HalfNetwork();
        Convert(model, TargetProfiles.Cpu);
        Tensor sample = Half([1, 8, 6, 6]);
        using ModelSession before = ModelSession.Open(model);

        Assert.IsTrue(Convert(model, TargetProfiles.Cpu).Changed);

        using ModelSession after = ModelSession.Open(model);
        foreach ((Tensor expected, Tensor actual) in before.Run([sample]).Zip(after.Run([sample])))
        {
            CollectionAssert.AreEqual(expected.ToSingles(), actual.ToSingles());
        }
    }

    [TestMethod]
    public void Leaves_no_16_bit_weight()
    {
        Model model = HalfNetwork();
        Convert(model, TargetProfiles.Cpu);
        Assert.IsFalse(model.Graph.WithSubgraphs().SelectMany(graph => graph.Initializers).Any(value => value.Initializer!.ElementType == ElementType.Float16));
    }

    [TestMethod]
    public void Lifts_the_branches_of_an_If_and_casts_inside()
    {
        Model model = Model.Create("branches", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 4));
        Value condition = model.Graph.AddInput("c", new TensorType(ElementType.Bool, 1));
        Value result = Branches.AddIf(
            condition,
            branch => branch.Add("Mul", x, branch.AddInitializer("two", Tensor.Scalar((Half)2))),
            branch => branch.AddNode("Cast", [branch.AddNode("Cast", [x]).Set("to", (long)ElementType.Float).Output]).Set("to", (long)ElementType.Float16).Output);
        result.Type = new TensorType(ElementType.Float16, 4);
        model.Graph.AddOutput(result);

        Assert.IsTrue(Convert(model, TargetProfiles.Cpu).Changed);

        using ModelSession session = ModelSession.Open(model);
        Tensor sample = Tensor.Vector((Half)1, (Half)2, (Half)3, (Half)4);
        CollectionAssert.AreEqual(new float[] { 2, 4, 6, 8 }, session.Run([sample, Tensor.Vector(true)])[0].ToSingles());
        CollectionAssert.AreEqual(new float[] { 1, 2, 3, 4 }, session.Run([sample, Tensor.Vector(false)])[0].ToSingles());
    }

    [TestMethod]
    public void Lifts_the_type_in_which_an_operator_adds()
    {
        Model model = Model.Create("normalization", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 2));
        Node node = model.Graph.AddNode("LayerNormalization", [x, model.Graph.AddInitializer("scale", Tensor.Vector(1f, 2f))]).Set("stash_type", (long)ElementType.BFloat16);
        model.Graph.AddOutput(node.Output);

        Assert.IsTrue(Convert(model, TargetProfiles.Cpu).Changed);

        Assert.AreEqual((long)ElementType.Float, node.GetInt("stash_type", 0));
    }

    [TestMethod]
    public void A_tensor_that_would_be_too_large_in_float32_is_named()
    {
        const int length = int.MaxValue / sizeof(float) + 1;
        Model model = Model.Create("large", 13, 7);
        Value weight = model.Graph.AddInitializer("w", Tensor.FromBytes(ElementType.BFloat16, [length], new byte[2L * length]));
        model.Graph.AddOutput(model.Graph.AddNode("Cast", [weight]).Set("to", (long)ElementType.Float).Output);

        PassOutcome outcome = Convert(model, TargetProfiles.Cpu);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("'w' would have 2,147,483,648 bytes in float32", outcome.Explanation);
    }

    [TestMethod]
    public void Leaves_a_float32_model_as_it_is()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        byte[] before = network.Model.ToBytes();
        PassOutcome outcome = Convert(network.Model, TargetProfiles.Cpu);
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "no 16-bit floating point");
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void Makes_a_real_float16_model_ready_for_integers()
    {
        Model model = Model.Load(RealModels.Require("squeezenet_fp16.onnx"));
        using ModelSession before = ModelSession.Open(model);
        Random random = new(3);
        Tensor[] pictures = [.. Enumerable.Range(0, 3).Select(_ => Half([1, 3, 224, 224], random, 100))];
        PassContext context = new(TargetProfiles.CpuX64, new ListedSamples(pictures));

        Assert.IsTrue(Convert(model, TargetProfiles.CpuX64).Changed);
        new GraphSimplification().Apply(model, context);
        PassOutcome outcome = new StaticQuantization().Apply(model, context);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsNotNull(outcome.Plan!.SignalToNoise, "What integers lose is measured on outputs of float16, too.");
        using ModelSession after = ModelSession.Open(model);
        Assert.AreEqual(ElementType.Float16, after.Inputs.Single().ElementType);
        Assert.AreEqual(ElementType.Float16, after.Outputs.Single().ElementType);
        Assert.IsLessThan(0.1, RealModels.MeanRelativeError(before.Run([pictures[0]])[0], after.Run([pictures[0]])[0]));
    }

    private static PassOutcome Convert(Model model, TargetProfile target) => new Float32Conversion().Apply(model, new PassContext(target));

    /// <summary>A convolution whose result is an output and is read on, too.</summary>
    private static Model HalfNetwork()
    {
        Model model = Model.Create("half", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 8, 6, 6));
        Value y = model.Graph.Add("Conv", x, model.Graph.AddInitializer("w", Half([4, 8, 3, 3])));
        Value z = model.Graph.Add("Relu", y);
        foreach ((Value value, string name) in new[] { (y, "y"), (z, "z") })
        {
            value.Name = name;
            value.Type = new TensorType(ElementType.Float16, 1, 4, 4, 4);
            model.Graph.AddOutput(value);
        }

        return model;
    }

    private static Tensor Half(long[] shape, Random? random = null, float scale = 1) =>
        Tensor.Create(shape, Array.ConvertAll(Weights.Uniform(random ?? new Random(1), shape, -scale, scale).ToSingles(), value => (System.Half)value));
}
