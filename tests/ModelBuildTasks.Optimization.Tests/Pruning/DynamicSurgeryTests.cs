using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;
using ModelBuildTasks.Optimization.Tests.Training;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class DynamicSurgeryTests
{
    private static readonly TrainingPlan Plan = new() { DefaultSteps = 200, LearningRate = 0.003f, Threads = 1, Patience = 20 };

    [TestMethod]
    public void Reaches_the_share_and_comes_nearer_to_the_model_than_without_training()
    {
        Model original = Network();
        (Model untrained, Model trained) = (original.Clone(), original.Clone());
        ListedSamples samples = ListedSamples.Random([1, 16], 512);

        new Surgery(0.8).Apply(untrained, SampledPruning.Context(samples));
        PassOutcome outcome = new DynamicSurgery(samples, Plan with { DefaultSteps = 600 }, 0.8).Apply(trained, SampledPruning.Context(samples));

        Assert.IsNull(outcome.Untrained, outcome.Explanation);
        Assert.AreEqual(0.8, SampledPruning.Sparsity(trained, "first", "second"), 2e-3);
        Assert.IsLessThan(SampledPruning.Error(original, untrained, samples), SampledPruning.Error(original, trained, samples));
    }

    [TestMethod]
    public void What_training_makes_no_better_than_pruning_alone_is_not_taken()
    {
        (Model trained, Model untrained) = (Network(), Network());
        ListedSamples samples = ListedSamples.Random([1, 16], 128);

        new Surgery(0.8).Apply(untrained, SampledPruning.Context(samples));
        PassOutcome outcome = new DynamicSurgery(samples, Plan with { LearningRate = 3, DefaultSteps = 20 }, 0.8).Apply(trained, SampledPruning.Context(samples));

        Assert.IsTrue(outcome.Changed);
        Assert.Contains("no nearer", outcome.Untrained!);
        Assert.AreEqual(SampledPruning.Error(Network(), untrained, samples), SampledPruning.Error(Network(), trained, samples), 1e-9);
    }

    [TestMethod]
    public void A_layer_that_is_named_keeps_its_weights()
    {
        Model model = Network();
        ListedSamples samples = ListedSamples.Random([1, 16], 32);

        new DynamicSurgery(samples, Plan with { DefaultSteps = 20 }, 0.5, excluded: new ExcludedLayers(["first"])).Apply(model, SampledPruning.Context(samples));

        Assert.AreEqual(0, SampledPruning.Sparsity(model, "first"));
        Assert.AreEqual(0.5, SampledPruning.Sparsity(model, "second"), 1e-3);
    }

    [TestMethod]
    public void Without_samples_to_learn_from_it_does_without_training_and_says_why()
    {
        Model model = Network();

        PassOutcome outcome = new DynamicSurgery(new ListedSamples(), Plan, 0.5).Apply(model, SampledPruning.Context(ListedSamples.Random([1, 16], 32)));

        Assert.IsTrue(outcome.Changed);
        Assert.StartsWith("Nothing was trained: There is no sample to learn from. 512 of 1024 weights", outcome.Explanation);
    }

    [TestMethod]
    public void Without_any_samples_it_refuses_and_the_model_stays()
    {
        Model model = Network();
        byte[] before = model.ToBytes();

        Assert.IsFalse(new DynamicSurgery(new ListedSamples(), Plan, 0.5).Apply(model, new PassContext(TargetProfiles.CpuX64)).Changed);

        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void One_sample_is_enough_to_end_at_the_share()
    {
        Model model = Network();
        ListedSamples sample = ListedSamples.Random([1, 16], 1);

        PassOutcome outcome = new DynamicSurgery(sample, Plan with { DefaultSteps = 20 }, 0.5).Apply(model, SampledPruning.Context(sample));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(0.5, SampledPruning.Sparsity(model, "first", "second"), 0.01);
    }

    [TestMethod]
    public void Losses_that_are_not_finite_are_not_learned_from()
    {
        Model model = Network();
        ListedSamples broken = new([.. Enumerable.Range(0, 32).Select(_ => Tensor.Create([1, 16], Enumerable.Repeat(float.NaN, 16).ToArray()))]);

        PassOutcome outcome = new DynamicSurgery(broken, Plan, 0.5).Apply(model, SampledPruning.Context(ListedSamples.Random([1, 16], 32)));

        Assert.Contains("the loss is not finite any more", outcome.Explanation);
        Assert.AreEqual(0.5, SampledPruning.Sparsity(model, "first", "second"), 1e-3);
        Assert.IsTrue(model.Graph.Initializers.All(value => Array.TrueForAll(value.Initializer!.ToSingles(), float.IsFinite)));
    }

    [TestMethod]
    public void Weights_that_are_not_finite_are_refused()
    {
        Model model = Network();
        float[] weights = model.Graph.Find("first")!.Initializer!.ToSingles();
        weights[3] = float.NaN;
        model.Graph.Find("first")!.Initializer = Tensor.Create([16, 32], weights);

        PassOutcome outcome = new DynamicSurgery(ListedSamples.Random([1, 16], 32), Plan, 0.5).Apply(model, SampledPruning.Context(ListedSamples.Random([1, 16], 32)));

        Assert.IsFalse(outcome.Changed);
        Assert.AreEqual("'first' holds weights that are not finite.", outcome.Explanation);
    }

    [TestMethod]
    public void What_has_no_gradient_is_pruned_without_training()
    {
        Model model = Network("ArgMax");

        PassOutcome outcome = new DynamicSurgery(ListedSamples.Random([1, 16], 32), Plan, 0.5).Apply(model, SampledPruning.Context(ListedSamples.Random([1, 16], 32)));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.StartsWith("Nothing was trained: ", outcome.Explanation);
    }

    [TestMethod]
    public void A_layer_without_a_gradient_is_found_before_the_first_step()
    {
        Model model = Network(between: "Asinh");
        ListedSamples samples = ListedSamples.Random([1, 16], 64);
        int told = 0;

        PassOutcome outcome = new DynamicSurgery(samples, Plan with { DefaultSteps = 20 }, 0.5).Apply(model, SampledPruning.Context(samples) with { Training = new Told(_ => told++) });

        Assert.Contains("No gradient through Asinh", outcome.Explanation);
        Assert.Contains("Not trained because of it: first", outcome.Explanation);
        Assert.IsLessThanOrEqualTo(Plan.Looks, told, "only the training of what can be trained is told of");
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(double.NaN)]
    public void A_sparsity_is_a_share(double sparsity) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new DynamicSurgery(new ListedSamples(), Plan, sparsity));

    private static Model Network(string? last = null, string between = "Relu")
    {
        Random random = new(4);
        Model model = Model.Create("test", 17, 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, [Dimension.Unknown, 16]));
        Value Matrix(string name, long rows, long columns)
        {
            Value matrix = graph.AddInitializer(name, Weights.Uniform(random, [rows, columns], -0.5f, 0.5f));
            matrix.Name = name;
            return matrix;
        }

        Value hidden = graph.Add(between, graph.AddNode("MatMul", [x, Matrix("first", 16, 32)], name: "first").Output);
        Value y = graph.AddNode("MatMul", [hidden, Matrix("second", 32, 16)], name: "second").Output;
        y = last is null ? y : graph.AddNode(last, [y]).Set("axis", 1L).Output;
        y.Type = new TensorType(last is null ? ElementType.Float : ElementType.Int64, (IReadOnlyList<Dimension>?)null);
        graph.AddOutput(y);
        return model;
    }
}
