using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.FakeQuantized;

namespace ModelBuildTasks.Optimization.Tests.Training.FakeQuantized;

[TestClass]
public sealed class QuantizationAwareTrainingTests
{
    private static readonly long[] Shape = [1, 16, 8, 8];
    /// <summary>What the second layer gives is too large by this: there is something to learn.</summary>
    private const float Misfit = 1.15f;

    /// <summary>Of what the first layer gives, as equalization does it for each channel.</summary>
    private const float Scaling = 16;

    private static readonly TrainingPlan Plan = new() { DefaultSteps = 40, BatchSize = 8, LearningRate = 8e-3f, Averaging = 0, Threads = 1, Looks = 4 };

    [TestMethod]
    public void Brings_weights_of_four_bits_nearer_to_the_teacher()
    {
        (Model teacher, Model quantized) = Models(bits: 4);
        double before = Distance(teacher, quantized);
        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(64), Plan).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsLessThan(0.5 * before, Distance(teacher, quantized));
        Assert.AreEqual(2, OptimizedGraph.Operators(quantized)["QLinearConv"]);
        Assert.IsTrue(quantized.Graph.Find("conv0.w_quantized")!.Initializer!.Span<sbyte>().ToArray().All(code => code is >= -7 and <= 7));
    }

    [TestMethod]
    public void Leaves_scales_that_are_fixed()
    {
        (Model teacher, Model quantized) = Models(bits: 4);
        Dictionary<string, float[]> before = Scales(quantized);
        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(64), Plan) { HasFixedScales = true }.Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        foreach ((string name, float[] scale) in Scales(quantized))
        {
            CollectionAssert.AreEqual(before[name], scale);
        }
    }

    [TestMethod]
    public void What_was_pruned_to_zero_stays_zero()
    {
        (Model teacher, Model quantized) = Models(bits: 4, sparsity: 0.7);
        int zeros = Zeros(quantized);
        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(64), Plan).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsGreaterThanOrEqualTo(zeros, Zeros(quantized));
    }

    [TestMethod]
    public void A_model_of_floats_stays_as_it_was()
    {
        Model model = Network().Model;
        byte[] before = model.ToBytes();
        PassOutcome outcome = new QuantizationAwareTraining(model.Clone(), Samples(64), Plan).Apply(model, new PassContext(TargetProfiles.CpuX64));
        AssertUnchanged(before, model, outcome, "DequantizeLinear");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void So_few_samples_that_none_can_judge_are_refused(int count)
    {
        (Model teacher, Model quantized) = Models();
        byte[] before = quantized.ToBytes();
        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(count), Plan).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        AssertUnchanged(before, quantized, outcome, "too few");
    }

    [TestMethod]
    public void A_loss_that_is_no_number_leaves_the_model_as_it_was()
    {
        (Model teacher, Model quantized) = Models();
        byte[] before = quantized.ToBytes();
        Dataset broken = new ListedSamples([.. Samples(16).Read().Select(sample => Tensor.Create(Shape, Array.ConvertAll(sample.Inputs[0].ToSingles(), _ => float.NaN)))]);
        PassOutcome outcome = new QuantizationAwareTraining(teacher, broken, Plan).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        AssertUnchanged(before, quantized, outcome, "");
    }

    [TestMethod]
    public void What_gets_worse_is_not_taken()
    {
        (Model teacher, Model quantized) = Models();
        byte[] before = quantized.ToBytes();
        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(16), Plan with { LearningRate = 10, DefaultSteps = 4 }).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        AssertUnchanged(before, quantized, outcome, "not much nearer");
    }

    [TestMethod]
    public void A_gain_that_may_be_luck_is_not_taken()
    {
        (Model teacher, Model quantized) = Models();
        byte[] before = quantized.ToBytes();
        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(16), Plan with { LearningRate = 1e-4f, DefaultSteps = 8 }).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
        AssertUnchanged(before, quantized, outcome, "not much nearer");
    }

    [TestMethod]
    public void A_student_whose_channels_were_scaled_since_they_were_the_teachers_learns_as_well_as_one_whose_were_not()
    {
        double plain = Trained(1), scaled = Trained(Scaling);
        Assert.IsLessThan(1.3 * plain, scaled);

        static double Trained(float scaling)
        {
            (Model teacher, Model quantized) = Models(bits: 4, scaling: scaling);
            PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(64), Plan).Apply(quantized, new PassContext(TargetProfiles.CpuX64));
            Assert.IsTrue(outcome.Changed, outcome.Explanation);
            return Distance(teacher, quantized);
        }
    }

    [TestMethod]
    [DataRow(-0.05f)]
    [DataRow(0.05f)]
    public void What_all_scores_have_in_common_is_taught_too(float common)
    {
        (Model teacher, Model quantized) = Models();
        Value scores = teacher.Graph.Outputs[0];
        Value moved = teacher.Graph.Add("Add", scores, teacher.Graph.AddInitializer("common", Tensor.Scalar(common)));
        moved.Type = scores.Type;
        teacher.Graph.RemoveOutput(scores);
        teacher.Graph.AddOutput(moved);
        double before = Distance(teacher, quantized);

        PassOutcome outcome = new QuantizationAwareTraining(teacher, Samples(64), Plan) { IsClassifier = true }.Apply(quantized, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsLessThan(before, Distance(teacher, quantized));
    }

    private static void AssertUnchanged(byte[] before, Model model, PassOutcome outcome, string reason)
    {
        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        StringAssert.Contains(outcome.Explanation, reason, StringComparison.Ordinal);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    private static ListedSamples Samples(int count) => ListedSamples.Random(Shape, count);

    private static SmallNetwork Network(string activation = "Relu")
    {
        SmallNetwork network = new(shape: Shape);
        Value first = network.Graph.Add(activation, network.Convolve(network.Input, "conv0", inputs: 16));
        network.Classify(network.Graph.Add(activation, network.Convolve(first, "conv1")));
        return network;
    }

    private static (Model Teacher, Model Quantized) Models(int bits = 8, double sparsity = 0, float? scaling = null)
    {
        // Integers take the place of a Relu, and leave a LeakyRelu, whose values then have the teacher's name.
        Model model = Network(scaling is null ? "Relu" : "LeakyRelu").Model;
        foreach (Value weight in model.Graph.Initializers.Where(value => value.Initializer!.Dimensions.Count == 4))
        {
            float[] numbers = weight.Initializer!.ToSingles();
            float threshold = numbers.Select(Math.Abs).Order().ElementAt((int)(sparsity * (numbers.Length - 1)));
            weight.Initializer = Tensor.Create([.. weight.Initializer.Dimensions], Array.ConvertAll(numbers, number => sparsity > 0 && Math.Abs(number) < threshold ? 0 : number));
        }

        Model quantized = model.Clone();
        if (scaling is { } factor)
        {
            // The activation passes a scale on, so that the model stays the same.
            Scale(quantized, "conv0.w", factor);
            Scale(quantized, "conv0.b", factor);
            Scale(quantized, "conv1.w", 1 / factor);
        }

        PassOutcome outcome = new StaticQuantization { WeightBits = bits, StaysInIntegers = true }.Apply(quantized, new PassContext(TargetProfiles.CpuX64, Samples(16)));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        foreach (Value scale in quantized.Graph.Initializers.Where(value => value.Name is "conv1.w_scale" or "conv1.b_scale"))
        {
            Scale(quantized, scale.Name, Misfit);
        }

        return (model, quantized);
    }

    private static void Scale(Model model, string name, float factor)
    {
        Value value = model.Graph.Find(name)!;
        value.Initializer = Tensor.Create([.. value.Initializer!.Dimensions], Array.ConvertAll(value.Initializer.ToSingles(), number => number * factor));
    }

    private static Dictionary<string, float[]> Scales(Model model) => model.Graph.Initializers.Where(value => value.Name.EndsWith("_scale", StringComparison.Ordinal) && !value.Name.EndsWith(".b_scale", StringComparison.Ordinal)).ToDictionary(value => value.Name, value => value.Initializer!.ToSingles());

    private static int Zeros(Model model) => model.Graph.Find("conv0.w_quantized")!.Initializer!.Span<sbyte>().ToArray().Count(code => code == 0);

    /// <summary>On samples of another seed than those that are learned from.</summary>
    private static double Distance(Model teacher, Model student)
    {
        Random random = new(99);
        using ModelSession expected = ModelSession.Open(teacher), actual = ModelSession.Open(student);
        double sum = 0;
        for (int i = 0; i < 32; i++)
        {
            Tensor sample = Weights.Uniform(random, Shape);
            float[] first = expected.Run([sample])[0].ToSingles(), second = actual.Run([sample])[0].ToSingles();
            sum += first.Zip(second, (x, y) => (x - y) * (x - y)).Sum();
        }

        return sum;
    }
}
