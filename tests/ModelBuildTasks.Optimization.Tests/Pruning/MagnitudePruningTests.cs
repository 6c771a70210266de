using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public class MagnitudePruningTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    [TestMethod]
    [DataRow(0.1)]
    [DataRow(0.333)]
    [DataRow(0.9)]
    [DataRow(1.0)]
    public void Reaches_exactly_the_stated_share_of_all_layers_together(double sparsity)
    {
        Model model = TwoLayers((i, _) => MathF.Sin(i), (i, _) => MathF.Cos(i) * 10);

        Assert.IsTrue(new MagnitudePruning(sparsity).Apply(model, Context).Changed);

        Assert.AreEqual((int)Math.Round(sparsity * 2048, MidpointRounding.AwayFromZero), Zeros(model, "W1") + Zeros(model, "W2"));
    }

    [TestMethod]
    public void Takes_exactly_the_smallest_as_a_full_sort_does()
    {
        Random random = new(7);
        Model model = TwoLayers((_, _) => (float)random.NextDouble() - 0.5f, (_, _) => (float)random.NextDouble() * 3);
        float[] before = [.. Weights(model, "W1"), .. Weights(model, "W2")];
        float threshold = before.Select(Math.Abs).Order().ElementAt(999);

        new MagnitudePruning(1000 / 2048.0).Apply(model, Context);

        float[] after = [.. Weights(model, "W1"), .. Weights(model, "W2")];
        CollectionAssert.AreEqual(Array.ConvertAll(before, w => Math.Abs(w) <= threshold ? 0 : w), after);
    }

    [TestMethod]
    public void Breaks_ties_by_position()
    {
        Model model = TwoLayers((_, _) => 1, (_, _) => -1);

        new MagnitudePruning(0.75).Apply(model, Context);

        Assert.AreEqual(1024, Zeros(model, "W1"));
        Assert.IsTrue(Weights(model, "W2").Take(512).All(w => w == 0));
        Assert.IsTrue(Weights(model, "W2").Skip(512).All(w => w == -1));
    }

    [TestMethod]
    public void Local_scope_takes_the_share_from_each_layer()
    {
        Model model = TwoLayers((i, _) => i + 1, (i, _) => (i + 1) * 1000);

        new MagnitudePruning(0.5, PruningScope.Local).Apply(model, Context);

        Assert.AreEqual(512, Zeros(model, "W1"));
        Assert.AreEqual(512, Zeros(model, "W2"));
    }

    [TestMethod]
    public void Leaves_biases_and_small_layers_whole()
    {
        Model model = TwoLayers((i, _) => i, (i, _) => i);
        Value small = model.Graph.AddInitializer("small", Tensor.Create([32, 2], new float[64]));
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Outputs[0], small));

        PassOutcome outcome = new MagnitudePruning(0.5).Apply(model, Context);

        Assert.IsTrue(Weights(model, "b").All(w => w == 0.001f));
        Assert.Contains("'small' has 64 weights", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void Refuses_weights_that_are_not_a_number_and_changes_nothing()
    {
        Model model = TwoLayers((i, _) => i == 5 ? float.NaN : i, (i, _) => i);
        byte[] before = model.ToBytes();

        PassOutcome outcome = new MagnitudePruning(0.5).Apply(model, Context);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("'W1'", outcome.Explanation);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Tells_how_many_weights_of_which_layer()
    {
        PassOutcome outcome = new MagnitudePruning(0.5).Apply(TwoLayers((_, _) => 1, (_, _) => 2), Context);

        Assert.AreEqual("1024 of 2048 weights (50.0 %) set to zero in 2 layers: first 1024/1024, second 0/1024.", outcome.Explanation);
    }

    [TestMethod]
    public void A_share_of_less_than_one_weight_does_nothing_and_says_so()
    {
        PassOutcome outcome = new MagnitudePruning(0.0001).Apply(TwoLayers((i, _) => MathF.Sin(i + 1), (i, _) => MathF.Cos(i) * 10), Context);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("less than one weight of 2048", outcome.Explanation);
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(1.1)]
    [DataRow(double.NaN)]
    public void A_sparsity_is_a_share(double sparsity) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new MagnitudePruning(sparsity));

    [TestMethod]
    public void Prunes_a_real_model_that_still_runs_the_same_when_nothing_matters()
    {
        string path = RealModels.Require("squeezenet_fp16.onnx");
        Model model = Model.Load(path);
        foreach (Value input in model.Graph.Inputs.Where(input => input.Initializer is not null).ToArray())
        {
            model.Graph.RemoveInput(input);
        }

        Assert.IsTrue(new MagnitudePruning(0.01).Apply(model, Context).Changed);

        using ModelSession before = ModelSession.Open(path);
        using ModelSession after = ModelSession.Open(model);
        IReadOnlyList<Tensor> inputs = RealModels.RandomInputs("squeezenet_fp16.onnx", before.Inputs, 3);
        Assert.IsLessThanOrEqualTo(0.02, RealModels.RelativeError(before.Run(inputs)[0], after.Run(inputs)[0]));
    }

    internal static Model TwoLayers(Func<int, int, float> first, Func<int, int, float> second)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 32));
        Value b = model.Graph.AddInitializer("b", Tensor.Create([32], Enumerable.Repeat(0.001f, 32).ToArray()));
        Value hidden = model.Graph.AddNode("Gemm", [x, model.Graph.AddInitializer("W1", Fill(first)), b], name: "first").Output;
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [hidden, model.Graph.AddInitializer("W2", Fill(second))], name: "second").Output);
        return model;
    }

    internal static float[] Weights(Model model, string name) => model.Graph.Find(name)!.Initializer!.ToSingles();

    private static int Zeros(Model model, string name) => Weights(model, name).Count(w => w == 0);

    private static Tensor Fill(Func<int, int, float> element) => Tensor.Create([32, 32], Enumerable.Range(0, 1024).Select(i => element(i, 1024)).ToArray());
}
