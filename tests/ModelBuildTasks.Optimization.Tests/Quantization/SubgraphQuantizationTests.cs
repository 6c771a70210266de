using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Static integers inside the branches of an If and the body of a Loop.</summary>
[TestClass]
public sealed class SubgraphQuantizationTests
{
    private const int Channels = 32;

    [TestMethod]
    public void Convolutions_in_both_branches_run_in_integer_kernels()
    {
        Model model = Branching();
        Model before = model.Clone();

        PassOutcome outcome = Quantize(model, Samples(then: 4, otherwise: 4));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        StringAssert.StartsWith(outcome.Explanation, "3 of 4 Conv");
        Graph[] branches = [.. OptimizedGraph.Of(model).Graph.Nodes.Single(node => node.OpType == "If").Subgraphs];
        Assert.HasCount(2, branches);
        CollectionAssert.AreEqual((int[])[1, 2], branches.Select(branch => branch.Nodes.Count(node => node.OpType == "QLinearConv")).Order().ToArray());
        AssertAlike(before, model, Samples(then: 2, otherwise: 2));
    }

    [TestMethod]
    public void A_branch_that_no_sample_takes_stays_in_float_with_the_reason()
    {
        Model model = Branching();

        PassOutcome outcome = Quantize(model, Samples(then: 0, otherwise: 8));

        PlannedLayer[] unseen = [.. outcome.Plan!.Layers.Where(layer => layer.Name is "Conv 'then1'" or "Conv 'then2'")];
        Assert.HasCount(2, unseen);
        Assert.IsTrue(unseen.All(layer => layer is { IsInteger: false, Reason: "no calibration sample comes to the branch that it stands in" }));
        Assert.IsTrue(outcome.Plan.Layers.Single(layer => layer.Name == "Conv 'else1'").IsInteger);
        Assert.Contains("Conv 'then1' stays in float: no calibration sample comes to the branch that it stands in.", outcome.Refusals.ToArray());
    }

    [TestMethod]
    public void Branches_stay_in_float_once_the_model_lost_too_much_accuracy()
    {
        PassContext context = new(TargetProfiles.CpuX64, Samples(then: 4, otherwise: 4)) { JudgeAccuracy = _ => new AccuracyVerdict(true, "") };

        QuantizationPlan plan = new StaticQuantization().Apply(Branching(), context).Plan!;

        PlannedLayer[] inside = [.. plan.Layers.Where(layer => layer.Name is "Conv 'then1'" or "Conv 'then2'" or "Conv 'else1'")];
        Assert.HasCount(3, inside);
        Assert.IsTrue(inside.All(layer => !layer.IsInteger && layer.Reason!.StartsWith("the model lost more accuracy", StringComparison.Ordinal)));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void What_is_pinned_is_repeated_inside_of_branches_as_well(bool isJudged)
    {
        PassContext context = new(TargetProfiles.CpuX64, Samples(then: 4, otherwise: 4));
        (Model first, Model second) = (Branching(), Branching());
        QuantizationPlan plan = new StaticQuantization().Apply(first, context with { JudgeAccuracy = isJudged ? _ => new AccuracyVerdict(true, "") : null }).Plan!;

        QuantizationPlan again = new StaticQuantization().Apply(second, context with { Pinned = new PinnedIntegers(plan.FloatNodes!, isJudged) }).Plan!;

        CollectionAssert.AreEqual(first.ToBytes(), second.ToBytes());
        Assert.AreEqual(isJudged ? 0 : 3, again.Layers.Count(layer => layer.IsInteger && layer.Name is "Conv 'then1'" or "Conv 'then2'" or "Conv 'else1'"));
    }

    [TestMethod]
    public void Ranges_of_a_branch_are_those_of_the_samples_that_take_it()
    {
        Model model = Branching();
        // Samples that take the other branch are ten times as loud.
        Dataset samples = new PairSamples([.. Enumerable.Range(0, 8).Select(i => Pair(i, taken: i % 2 == 0, loudness: i % 2 == 0 ? 10 : 1))]);

        PlannedTensor sum = Quantize(model, samples).Plan!.Tensors.Single(tensor => tensor.Name == "loudness_output");

        // x and its first features, each up to 1.
        Assert.IsLessThan(2.1f, sum.Highest);
        Assert.IsGreaterThan(1f, sum.Highest);
    }

    [TestMethod]
    public void The_product_in_the_body_of_a_loop_runs_in_an_integer_kernel()
    {
        Model model = Looping(rounds: 5);
        Model before = model.Clone();
        ListedSamples samples = ListedSamples.Random([8, 256], 8);

        PassOutcome outcome = Quantize(model, samples);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Graph body = OptimizedGraph.Of(model).Graph.Nodes.Single(node => node.OpType == "Loop").Subgraphs.Single();
        Assert.IsTrue(body.Nodes.Any(node => node.OpType is "MatMulIntegerToFloat" or "QLinearMatMul"), string.Join("; ", body.Nodes.Select(node => node.OpType)));
        AssertAlike(before, model, samples);
    }

    [TestMethod]
    public void Every_round_of_a_loop_is_seen()
    {
        // What is carried doubles in each of five rounds, so that the last reads numbers 16 times as large as the first.
        Model model = Looping(rounds: 5, growth: 2);

        PlannedTensor carried = Quantize(model, ListedSamples.Random([8, 256], 8)).Plan!.Tensors.Single(tensor => tensor.Name == "carried");

        Assert.IsGreaterThan(4f, carried.Highest);
    }

    [TestMethod]
    public void A_branch_inside_a_branch_is_quantized()
    {
        Model model = Model.Create("nested", 13, 7);
        Random random = new(5);
        (Value x, Value condition) = Inputs(model);
        model.Graph.AddOutput(Branches.AddIf(
            condition,
            outer =>
            {
                Value scaled = outer.Add("Mul", x, outer.AddInitializer("half", Tensor.Scalar(0.5f)));
                Value positive = outer.Add("Greater", outer.AddNode("ReduceMax", [scaled]).Set("keepdims", 0L).Output, outer.AddInitializer("zero", Tensor.Scalar(0f)));
                return Branches.AddIf(positive, inner => Classify(inner, Convolve(inner, scaled, "inner", random), random), inner => inner.Add("Identity", Pooled(inner, scaled, random)));
            },
            otherwise => Pooled(otherwise, x, random)));
        Model before = model.Clone();

        PassOutcome outcome = Quantize(model, Samples(then: 6, otherwise: 2));

        Assert.IsTrue(outcome.Plan!.Layers.Single(layer => layer.Name == "Conv 'inner'").IsInteger, outcome.Explanation);
        Assert.AreEqual(1, OptimizedGraph.Operators(model).GetValueOrDefault("QLinearConv"));
        AssertAlike(before, model, Samples(then: 2, otherwise: 2));
    }

    [TestMethod]
    public void Branches_that_use_the_same_names_are_told_apart()
    {
        Model model = Model.Parse(Branching().ToBytes());
        Graph[] branches = [.. model.Graph.Nodes.Single(node => node.OpType == "If").Subgraphs];
        // ONNX lets branches of one node use the same name; only parsing can bring that about.
        byte[] renamed = Renamed(model.ToBytes(), branches[1].Nodes.First(node => node.Name == "else1").Output.Name, branches[0].Nodes.First(node => node.Name == "then1").Output.Name);
        Model same = Model.Parse(renamed);
        Model before = same.Clone();

        PassOutcome outcome = Quantize(same, Samples(then: 4, otherwise: 4));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        AssertAlike(before, same, Samples(then: 2, otherwise: 2));
    }

    [TestMethod]
    public void The_convolutions_of_silero_run_in_integer_kernels_inside_its_If()
    {
        Model model = Model.Load(RealModels.Require("silero_vad.onnx"));
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));
        using ModelSession session = ModelSession.Open(model);
        Dataset samples = new PairSamples([.. Enumerable.Range(0, 4).Select(seed => RealModels.RandomInputs("silero_vad.onnx", session.Inputs, seed, batch: 1))]);

        PassOutcome outcome = new StaticQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64, samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(outcome.Plan!.Layers.Count(layer => layer.IsInteger), OptimizedGraph.Operators(model).GetValueOrDefault("QLinearConv"));
        Assert.IsTrue(outcome.Plan.Layers.All(layer => layer.IsInteger == (layer.Reason is null)), string.Join("; ", outcome.Plan.Layers));
        Assert.AreEqual("an LSTM computes in integers by dynamic quantization only", outcome.Plan.Layers.Single(layer => layer.Name.StartsWith("LSTM 'If_0_then", StringComparison.Ordinal)).Reason);
    }

    private static byte[] Renamed(byte[] bytes, string from, string to)
    {
        Assert.AreEqual(from.Length, to.Length);
        byte[] old = System.Text.Encoding.UTF8.GetBytes(from);
        byte[] result = [.. bytes];
        for (int at = result.AsSpan().IndexOf(old); at >= 0; at = result.AsSpan().IndexOf(old))
        {
            System.Text.Encoding.UTF8.GetBytes(to).CopyTo(result, at);
        }

        return result;
    }

    private static PassOutcome Quantize(Model model, Dataset samples) => new StaticQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64, samples));

    /// <summary>If(c): two convolutions, the second with weights from around the If; else one.</summary>
    private static Model Branching()
    {
        Model model = Model.Create("branching", 13, 7);
        Random random = new(5);
        (Value x, Value condition) = Inputs(model);
        Value shared = model.Graph.AddInitializer("shared.w", Weights.Uniform(random, [Channels, Channels, 3, 3], -0.1f, 0.1f));
        Value features = model.Graph.Add("Tanh", Convolve(model.Graph, x, "first", random));
        model.Graph.AddOutput(Branches.AddIf(
            condition,
            then =>
            {
                Value inner = then.Add("Relu", Convolve(then, features, "then1", random));
                return Classify(then, then.AddNode("Conv", [inner, shared], name: "then2").Set("pads", [1L, 1, 1, 1]).Output, random);
            },
            otherwise => Classify(otherwise, Convolve(otherwise, otherwise.AddNode("Add", [x, features], name: "loudness").Output, "else1", random), random)));
        return model;
    }

    private static Model Looping(int rounds, float growth = 1)
    {
        const int width = 256;
        Model model = Model.Create("looping", 13, 7);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 8, width));
        Value weight = graph.AddInitializer("w", Weights.Uniform(new Random(3), [width, width], -0.1f, 0.1f));
        Node loop = graph.AddNode("Loop", [graph.AddInitializer("rounds", Tensor.Scalar((long)rounds)), null, x]);
        Graph body = loop.AddGraph("body");
        body.AddInput("round", new TensorType(ElementType.Int64));
        Value goesOn = body.AddInput("goes_on", new TensorType(ElementType.Bool));
        Value carried = body.AddInput("carried", new TensorType(ElementType.Float, 8, width));
        Value next = body.Add("Mul", carried, body.AddInitializer("growth", Tensor.Scalar(growth)));
        Value product = body.AddNode("MatMul", [carried, weight], name: "product").Output;
        body.AddOutput(body.Add("Identity", goesOn));
        body.AddOutput(body.Add("Add", next, body.Add("Mul", body.Add("Tanh", product), body.AddInitializer("share", Tensor.Scalar(0.1f)))));
        graph.AddOutput(loop.Output);
        loop.Output.Type = new TensorType(ElementType.Float, 8, width);
        return model;
    }

    private static (Value X, Value Condition) Inputs(Model model) =>
        (model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, Channels, 16, 16)), model.Graph.AddInput("c", new TensorType(ElementType.Bool, 1)));

    private static Value Convolve(Graph graph, Value input, string name, Random random) => graph.AddNode(
        "Conv",
        [input, graph.AddInitializer(name + ".w", Weights.Uniform(random, [Channels, Channels, 3, 3], -0.1f, 0.1f)), graph.AddInitializer(name + ".b", Weights.Uniform(random, [Channels]))],
        name: name).Set("pads", [1L, 1, 1, 1]).Output;

    private static Value Classify(Graph graph, Value input, Random random) => Pooled(graph, graph.Add("Relu", input), random);

    private static Value Pooled(Graph graph, Value input, Random random) =>
        graph.Add("Mul", graph.Add("Flatten", graph.Add("GlobalAveragePool", input)), graph.AddInitializer("gain", Weights.Uniform(random, [Channels])));

    private static PairSamples Samples(int then, int otherwise) => new([.. Enumerable.Range(0, then + otherwise).Select(i => Pair(i, taken: i < then))]);

    private static IReadOnlyList<Tensor> Pair(int seed, bool taken, float loudness = 1) =>
        [Weights.Uniform(new Random(seed), [1, Channels, 16, 16], -loudness, loudness), Tensor.Vector(taken)];

    private static void AssertAlike(Model expected, Model actual, Dataset samples)
    {
        using ModelSession exact = ModelSession.Open(expected);
        using ModelSession quantized = ModelSession.Open(actual);
        foreach (Sample sample in samples.Read())
        {
            Assert.IsLessThan(0.05, RealModels.RelativeError(exact.Run(sample.Inputs)[0], quantized.Run(sample.Inputs)[0]));
        }
    }

    private sealed class PairSamples(IReadOnlyList<Tensor>[] inputs) : Dataset
    {
        public override string Path => "listed";

        public override int Count => inputs.Length;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() => inputs.Select(tensors => new Sample(tensors, null));
    }
}
