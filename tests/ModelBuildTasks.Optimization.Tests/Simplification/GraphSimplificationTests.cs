using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class GraphSimplificationTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    public static IEnumerable<object[]> Models => RealModels.Names;

    [TestMethod]
    public void A_node_that_the_runtime_refuses_does_not_keep_the_rules_from_the_rest()
    {
        Model model = Model.Create("g", 17, 8);
        model.OpsetImports["somewhere.else"] = 1;
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3));
        Value exponential = model.Graph.Add("Exp", x);
        model.Graph.AddOutput(model.Graph.Add("Abs", model.Graph.Add("Reshape", exponential, model.Graph.Add("Shape", exponential))));
        model.Graph.AddOutput(model.Graph.AddNode("Foo", [x], domain: "somewhere.else").Output);

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        CollectionAssert.AreEquivalent(new[] { "Exp", "Abs", "Foo" }, model.Graph.Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Simplifying_again_finds_nothing_and_is_deterministic(string name)
    {
        string path = RealModels.Require(name);
        Model first = Model.Load(path);
        Model second = Model.Load(path);
        new GraphSimplification().Apply(first, Context);
        new GraphSimplification().Apply(second, Context);
        CollectionAssert.AreEqual(first.ToBytes(), second.ToBytes());

        PassOutcome again = new GraphSimplification().Apply(first, Context);

        Assert.IsFalse(again.Changed, again.Explanation);
        Assert.AreEqual(second.ToBytes().Length, first.ToBytes().Length);
    }

    [TestMethod]
    public void A_rule_that_is_switched_off_is_not_applied_and_the_others_are()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value product = model.Graph.Add("MatMul", model.Graph.Add("Identity", x), Simplified.Weight(model.Graph, 4, 3));
        model.Graph.AddOutput(model.Graph.Add("Add", product, Simplified.Weight(model.Graph, 3)));

        new GraphSimplification(["matMulAddToGemm"]).Apply(model, Context);

        Assert.AreEqual("MatMul Add", string.Join(' ', model.Graph.TopologicalOrder().Select(node => node.OpType)));
    }

    [TestMethod]
    public void A_weight_that_a_rule_makes_is_allowed_by_the_ir_version_where_inputs_stay_inputs()
    {
        Model model = Model.Create("g", 9, 3);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value w = model.Graph.AddInput("w", new TensorType(ElementType.Float, 1));
        w.Initializer = Tensor.Vector(2f);
        Value two = model.Graph.AddNode("Constant", []).Set("value", Tensor.Vector(3f)).Output;
        model.Graph.AddOutput(model.Graph.Add("Mul", model.Graph.Add("Mul", x, w), two));

        new GraphSimplification(["FixedInitializers"]).Apply(model, Context);

        Assert.HasCount(2, model.Graph.Inputs);
        Assert.IsEmpty(model.Validate());
        using ModelSession session = ModelSession.Open(model);
        Assert.HasCount(1, session.Inputs);
    }

    [TestMethod]
    public void A_deep_model_takes_few_rounds()
    {
        // Each layer reshapes by the shape of the last one's result, of which nothing is known before that is fixed.
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "N", "S", 12));
        for (int layer = 0; layer < 100; layer++)
        {
            bool isEven = layer % 2 == 0;
            Value[] parts = [.. Enumerable.Range(0, 2).Select(i => model.Graph.Add("Gather", model.Graph.Add("Shape", x), model.Graph.AddInitializer("i", Tensor.Vector((long)i))))];
            Value rest = model.Graph.AddInitializer("rest", isEven ? Tensor.Vector(3L, 4L) : Tensor.Vector(12L));
            x = model.Graph.Add("Relu", model.Graph.Add("Reshape", x, model.Graph.AddNode("Concat", [.. parts, rest]).Set("axis", 0L).Output));
        }

        model.Graph.AddOutput(x);
        CountedRounds rounds = new();

        new GraphSimplification().Apply(model, Context with { Progress = rounds });

        Assert.AreEqual("Relu Reshape", string.Join(' ', model.Graph.Nodes.Select(node => node.OpType).Distinct().Order()));
        Assert.IsLessThanOrEqualTo(5, rounds.Count);
    }

    [TestMethod]
    public void The_ir_version_is_no_higher_than_the_operator_set_needs_and_the_operator_set_stays()
    {
        Model model = Model.Create("g", opset: 13, irVersion: 10);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.Add("Identity", x)));

        new GraphSimplification().Apply(model, Context);

        Assert.AreEqual(7, model.IrVersion);
        Assert.AreEqual(13, model.Opset);
    }

    [TestMethod]
    public void With_every_rule_switched_off_only_what_nothing_reads_goes()
    {
        Model model = Model.Create("g", 9, 3);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value w = model.Graph.AddInput("w", new TensorType(ElementType.Float, 4));
        w.Initializer = Tensor.Vector(1f, 1f, 1f, 1f);
        model.Graph.AddOutput(model.Graph.Add("Identity", model.Graph.Add("Mul", x, w)));
        model.Graph.Add("Relu", x);

        new GraphSimplification(GraphSimplification.RuleNames.ToArray()).Apply(model, Context);

        Assert.AreEqual("Mul Identity", string.Join(' ', model.Graph.TopologicalOrder().Select(node => node.OpType)));
        Assert.HasCount(2, model.Graph.Inputs);
        Assert.AreEqual(3, model.IrVersion);
    }

    [TestMethod]
    public void A_cancelled_build_stops()
    {
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(model.Graph.Add("Neg", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1))));

        Assert.ThrowsExactly<OperationCanceledException>(() => new GraphSimplification().Apply(model, Context with { CancellationToken = new CancellationToken(canceled: true) }));
    }

    [TestMethod]
    public void A_rule_that_throws_is_left_out_with_what_it_changed_and_the_others_apply()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
        model.Graph.AddOutput(model.Graph.Add("Exp", model.Graph.Add("Identity", x)));

        PassOutcome outcome = new GraphSimplification { Rules = [new Failing(new InvalidOperationException("no such axis")), new RemoveNoOp()] }.Apply(model, Context);

        Assert.AreEqual("Exp", model.Graph.Nodes.Single().OpType);
        Assert.AreEqual("x", model.Graph.Nodes.Single().Inputs.Single()!.Name);
        Assert.Contains("Failing: it failed at this model (InvalidOperationException: no such axis)", string.Join("\n", outcome.Refusals));
        Assert.IsEmpty(model.Validate());
    }

    private sealed class Failing(Exception exception) : IGraphRule
    {
        public string Name => "failing";

        public bool Matches(Node node) => node.OpType == "Exp";

        public RuleOutcome Apply(Node node, RuleContext context)
        {
            node.SetInput(0, node.Graph.Add("Neg", node.Input(0)));
            throw exception;
        }
    }

    private sealed class CountedRounds : IProgress<double>
    {
        internal int Count { get; private set; }

        public void Report(double value) => Count++;
    }

    [TestMethod]
    public void A_bias_that_would_be_larger_than_what_goes_is_not_made()
    {
        Simplified result = Simplified.From(["N", 1, "H", "W"], (g, x) =>
            g.Add("Relu", g.Add("Add", g.Add("Conv", x, Simplified.Weight(g, 1024, 1, 1, 1)), g.AddInitializer("half", Tensor.Scalar(0.5f)))));

        CollectionAssert.AreEqual(new[] { "Conv", "Add", "Relu" }, result.Operators);
        Assert.Contains("more than what would vanish", result.Refusals);
    }

    [TestMethod]
    public void A_scale_alone_gives_a_matrix_product_no_bias()
    {
        Simplified result = Simplified.From(["N", 4], (g, x) =>
            g.Add("Relu", g.Add("Mul", g.Add("Gemm", x, Simplified.Weight(g, 4, 1000)), g.AddInitializer("half", Tensor.Scalar(0.5f)))));

        CollectionAssert.AreEqual(new[] { "Gemm", "Relu" }, result.Operators);
        Assert.HasCount(2, result.Model.Graph.Nodes[0].Inputs);
    }

    [TestMethod]
    public void Many_small_constants_do_not_grow_a_file_together()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "N", 250));
        Value shape = Simplified.Longs(model.Graph, 250);
        for (int i = 0; i < 20; i++)
        {
            x = model.Graph.Add("Sin", model.Graph.Add("Max", x, model.Graph.Add("Expand", model.Graph.AddInitializer("c", Tensor.Vector(i - 10.5f)), shape)));
        }

        model.Graph.AddOutput(x);
        int before = model.ToBytes().Length;

        Simplified.Of(model, Simplified.Random(2, 250));

        Assert.IsLessThanOrEqualTo(before, model.ToBytes().Length);
    }

    [TestMethod]
    public void A_model_that_only_grows_stays_as_it_was()
    {
        // The shape is a few bytes longer than the node that computes it, and nothing else can go.
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, 4, 5, 6, 7));
        Value count = model.Graph.AddNode("Cast", [model.Graph.Add("Shape", x)]).Set("to", (long)ElementType.Float).Output;
        model.Graph.AddOutput(model.Graph.Add("Mul", model.Graph.AddNode("ReduceSum", [x]).Set("keepdims", 0L).Output, count));
        byte[] before = model.ToBytes();

        Simplified.Of(model, Simplified.Random(2, 3, 4, 5, 6, 7));

        Assert.IsLessThanOrEqualTo(before.Length, model.ToBytes().Length);
    }
}
