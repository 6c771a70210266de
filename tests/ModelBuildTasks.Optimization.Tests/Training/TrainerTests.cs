using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>The task: is the bright stripe of a noisy 6 × 6 image upright or level? No linear model can tell, as the stripe may be anywhere.</summary>
[TestClass]
public sealed class TrainerTests
{
    private const int BatchSize = 32;
    private const int Side = 6;

    [TestMethod]
    public void Learns_a_task_that_needs_the_convolution()
    {
        Model model = Network();
        (Tensor held, Tensor truth) = Stripes(new Random(99));
        double before = Accuracy(model, held, truth);

        Train(model, steps: 150);

        Assert.IsLessThan(0.8, before);
        Assert.IsGreaterThan(0.9, Accuracy(model, held, truth));
    }

    [TestMethod]
    [DataRow(9)]
    [DataRow(13)]
    public void Trains_models_of_older_operator_sets(int opset) =>
        CollectionAssert.AreEqual(Train(Network(), steps: 4), Train(Network(opset), steps: 4));

    [TestMethod]
    public void Trains_the_rest_of_a_model_with_an_operator_without_a_rule()
    {
        Model model = Network();
        Graph graph = model.Graph;
        Value image = graph.Nodes[0].Input(0)!;
        Value local = graph.Add("Asinh", graph.Add("Conv", image, graph.AddInitializer("gain", Tensor.Create([1, 1, 1, 1], [1f]))));
        graph.Nodes[0].SetInput(0, local);

        using Trainer trainer = Start(model);
        (Tensor samples, Tensor labels) = Stripes(new Random(1));
        trainer.Step(0.01f, samples, labels);
        trainer.Commit(model);

        Assert.AreEqual("Asinh", trainer.Gaps.Single().OpType);
        Assert.AreEqual(1f, model.Graph.Find("gain")!.Initializer!.ToSingles()[0]);
        Assert.AreNotEqual(0f, model.Graph.Find("bias")!.Initializer!.ToSingles()[0]);
    }

    [TestMethod]
    public void Repeats_the_same_losses_from_the_same_seed() => CollectionAssert.AreEqual(Train(Network(), steps: 8), Train(Network(), steps: 8));

    [TestMethod]
    public void Changes_the_model_only_on_commit()
    {
        Model model = Network();
        byte[] before = model.ToBytes();
        using Trainer trainer = Start(model);
        (Tensor samples, Tensor labels) = Stripes(new Random(1));
        trainer.Step(0.01f, samples, labels);
        CollectionAssert.AreEqual(before, model.ToBytes());

        trainer.Commit(model);

        CollectionAssert.AreNotEqual(before, model.ToBytes());
        Assert.AreNotEqual(0f, model.Graph.Find("mean")!.Initializer!.ToSingles()[0], "running statistics move too");
        Assert.AreEqual("BatchNormalization", model.Graph.Nodes[1].OpType);
        Assert.IsFalse(model.Graph.Nodes[1].Has("training_mode"), "the trained model is one for inference");
    }

    [TestMethod]
    public void Learns_by_momentum_too()
    {
        Model model = Network();
        (Tensor held, Tensor truth) = Stripes(new Random(99));

        Train(model, steps: 300, new TrainerSettings(UpdateRule.Momentum, ClipNorm: 5, StatisticsMomentum: 0.8f));

        Assert.IsGreaterThan(0.9, Accuracy(model, held, truth));
    }

    [TestMethod]
    public void Gradients_of_halves_add_up_to_those_of_the_whole()
    {
        TrainingProblem whole = Line(out Parameter together), halves = Line(out Parameter apart);
        using Trainer one = new(whole, new TrainerSettings(UpdateRule.Momentum)), two = new(halves, new TrainerSettings(UpdateRule.Momentum));

        one.Step(0.1f, Tensor.Vector(1f, 3f));
        one.Step(0.1f, Tensor.Vector(2f, 2f));
        two.Accumulate(Tensor.Vector(1f, 1f));
        two.Accumulate(Tensor.Vector(3f, 3f));
        two.Update(0.1f);
        two.Accumulate(Tensor.Vector(2f, 2f));
        two.Update(0.1f);

        Assert.AreEqual(together.Values[0], apart.Values[0], 1e-6f);
    }

    [TestMethod]
    public void A_long_gradient_is_shortened()
    {
        using Trainer trainer = new(Line(out Parameter weight), new TrainerSettings(UpdateRule.Momentum, ClipNorm: 1));

        trainer.Step(0.1f, Tensor.Vector(100f, 100f));

        // The gradient of length 1 moves by 0.1·(1 + 0.9), Nesterov's first step.
        Assert.AreEqual(1 - 0.19f, weight.Values[0], 1e-5f);
    }

    [TestMethod]
    public void Nothing_moves_where_the_gradient_is_not_finite()
    {
        using Trainer trainer = new(Line(out Parameter weight), new TrainerSettings());

        trainer.Accumulate(Tensor.Vector(float.NaN, 1f));
        bool moved = trainer.Update(0.1f);

        Assert.IsFalse(moved);
        Assert.AreEqual(1f, weight.Values[0]);
        Assert.IsTrue(trainer.Accumulate(Tensor.Vector(1f, 1f)) > 0 && trainer.Update(0.1f), "the next step is one again");
    }

    [TestMethod]
    public void What_is_masked_moves_unseen()
    {
        using Trainer trainer = new(Line(out Parameter weight), new TrainerSettings(UpdateRule.Momentum));
        weight.Mask = [false];

        trainer.Step(0.1f, Tensor.Vector(1f, 1f));

        Assert.AreEqual(0f, weight.Seen[0]);
        Assert.AreNotEqual(1f, weight.Values[0]);
    }

    [TestMethod]
    public void A_scale_moves_by_the_same_factor_at_any_order_of_magnitude()
    {
        float[] factors = [.. new[] { 1e-4f, 1f, 1e4f }.Select(start =>
        {
            TrainingProblem problem = Line(out Parameter scale, start, isRelative: true);
            using Trainer trainer = new(problem, new TrainerSettings());
            trainer.Step(0.1f, Tensor.Vector(1f, 1f));
            return scale.Values[0] / start;
        })];

        // Adam's first step is the rate itself.
        foreach (float factor in factors)
        {
            Assert.AreEqual(MathF.Exp(-0.1f), factor, 1e-3f);
        }
    }

    /// <summary>The loss is the mean of w·x.</summary>
    private static TrainingProblem Line(out Parameter weight, float start = 1, bool isRelative = false)
    {
        Model model = Model.Create("line", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 2));
        Value loss = graph.AddNode("ReduceMean", [graph.Add("Mul", x, graph.AddInitializer("w", Tensor.Vector(start)))]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);
        weight = new Parameter("w", Tensor.Vector(start), isRelative);
        return new TrainingProblem(model, loss.Name, [weight], [Tensor.Vector(0f, 0f)]);
    }

    private static float[] Train(Model model, int steps, TrainerSettings? settings = null)
    {
        using Trainer trainer = Start(model, settings);
        CosineSchedule schedule = new(Peak: 0.02f, WarmUp: 5, steps);
        Random random = new(7);
        float[] losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            (Tensor samples, Tensor labels) = Stripes(random);
            losses[step] = trainer.Step(schedule.At(step), samples, labels);
        }

        trainer.Commit(model);
        return losses;
    }

    private static Trainer Start(Model model, TrainerSettings? settings = null) =>
        new(TrainingProblem.OfClassifier(model, BatchSize, [1, Side, Side]), settings ?? new TrainerSettings(StatisticsMomentum: 0.8f));

    private static double Accuracy(Model model, Tensor samples, Tensor labels)
    {
        using ModelSession session = ModelSession.Open(model);
        float[] scores = session.Run([samples])[0].ToSingles();
        return labels.Span<long>().ToArray().Select((label, i) => scores[2 * i] > scores[(2 * i) + 1] == (label == 0) ? 1.0 : 0).Average();
    }

    private static (Tensor Samples, Tensor Labels) Stripes(Random random)
    {
        float[] pixels = new float[BatchSize * Side * Side];
        long[] labels = new long[BatchSize];
        for (int n = 0; n < BatchSize; n++)
        {
            labels[n] = n % 2;
            int place = random.Next(Side);
            for (int i = 0; i < Side * Side; i++)
            {
                int along = labels[n] == 0 ? i % Side : i / Side;
                pixels[(n * Side * Side) + i] = (along == place ? 1 : 0) + (0.3f * random.NextSingle());
            }
        }

        return (Tensor.Create([BatchSize, 1, Side, Side], pixels), Tensor.Vector(labels));
    }

    private static Model Network(int opset = 17)
    {
        Model model = Model.Create("stripes", opset, irVersion: 8);
        Graph graph = model.Graph;
        Value Constant(string name, float value) => graph.AddInitializer(name, Tensor.Vector(value, value, value, value, value, value));
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "batch", 1, Side, Side));
        x = graph.Add("Conv", x, graph.AddInitializer("filters", GradientCheck.Draw([6, 1, 3, 3], seed: 11)));
        x = graph.Add("BatchNormalization", x, Constant("gamma", 1), Constant("beta", 0), Constant("mean", 0), Constant("variance", 1));
        x = graph.Add("Flatten", graph.Add("GlobalAveragePool", graph.Add("Relu", x)));
        x = graph.AddNode("Gemm", [x, graph.AddInitializer("matrix", GradientCheck.Draw([2, 6], seed: 12)), graph.AddInitializer("bias", Tensor.Vector(0f, 0f))]).Set("transB", 1).Output;
        x.Type = new TensorType(ElementType.Float, "batch", 2);
        graph.AddOutput(x);
        return model;
    }
}
