using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Static quantization seen from outside: data that it cannot use, signatures, old formats, repetition, cancelling.</summary>
[TestClass]
public sealed class StaticQuantizationContractTests
{
    private static readonly long[] Shape = SmallNetwork.InputShape;

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void One_number_of_one_sample_that_is_not_finite_is_reported_with_its_tensor(float poison)
    {
        Tensor[] samples = [.. ListedSamples.Random(Shape, 8).Read().Select(sample => sample.Inputs[0])];
        float[] numbers = samples[5].ToSingles();
        numbers[123] = poison;
        samples[5] = Tensor.Create(Shape, numbers);

        AssertRefused(TwoConvolutions().Model, new ListedSamples(samples), "'x' holds numbers that are not finite");
    }

    [TestMethod]
    public void Samples_that_the_model_cannot_run_on_are_a_reason_and_not_a_crash() =>
        AssertRefused(TwoConvolutions().Model, ListedSamples.Random([1, 3, 5, 5], 2), "cannot be run");

    [TestMethod]
    public void The_order_of_the_samples_and_how_they_interleave_do_not_show_in_the_bytes()
    {
        Model forward = TwoConvolutions().Model;
        Model backward = TwoConvolutions().Model;
        Tensor[] samples = [.. ListedSamples.Random(Shape, 16).Read().Select(sample => sample.Inputs[0])];

        Quantize(forward, new ListedSamples(samples));
        // One at a time, as with a single thread.
        Quantize(backward, new ObservedSamples([.. samples.Reverse()], _ => Thread.Sleep(5)));

        CollectionAssert.AreEqual(forward.ToBytes(), backward.ToBytes());
    }

    [TestMethod]
    public void Inputs_and_outputs_stay_as_they_were()
    {
        SmallNetwork network = TwoConvolutions();
        using ModelSession before = ModelSession.Open(network.Model);

        network.Quantize();

        using ModelSession after = ModelSession.Open(network.Model);
        CollectionAssert.AreEqual(before.Inputs.Select(input => input.ToString()).ToArray(), after.Inputs.Select(input => input.ToString()).ToArray());
        CollectionAssert.AreEqual(before.Outputs.Select(output => output.ToString()).ToArray(), after.Outputs.Select(output => output.ToString()).ToArray());
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(7)]
    public void A_model_of_an_old_operator_set_and_file_format_is_lifted_and_runs(int irVersion)
    {
        SmallNetwork network = new(opset: 9);
        Value clipped = network.Graph.AddNode("Clip", [network.Convolve(network.Input, "a")]).Set("min", 0f).Set("max", 6f).Output;
        Value sliced = network.Graph.AddNode("Slice", [clipped]).Set("axes", [2L]).Set("starts", [0L]).Set("ends", [12L]).Output;
        network.Classify(network.Convolve(sliced, "b"));
        Model model = network.Model.Clone();
        model.IrVersion = irVersion;

        Assert.IsTrue(Quantize(model, network.Samples).Changed);

        Assert.AreEqual(13, model.Opset);
        Assert.AreEqual(2, OptimizedGraph.Operators(model)["QLinearConv"]);
        Assert.IsLessThan(0.03, Difference(network.Model, model, output: 0));
    }

    [TestMethod]
    public void A_batch_that_callers_choose_stays_free()
    {
        Model model = Model.Create("free", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 1024));
        model.Graph.AddOutput(model.Graph.Add("Gemm", x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [1024, 256]))));

        Assert.IsTrue(Quantize(model, ListedSamples.Random([1, 1024], 4)).Changed);

        using ModelSession session = ModelSession.Open(model);
        CollectionAssert.AreEqual(new long[] { 7, 256 }, session.Run([Weights.Uniform(new Random(1), [7, 1024])])[0].Dimensions.ToArray());
    }

    [TestMethod]
    public void Cancelling_ends_the_calibration_before_the_last_sample()
    {
        using CancellationTokenSource cancellation = new();
        int last = 0;
        Tensor[] samples = [.. Enumerable.Repeat(ListedSamples.Random(Shape, 1).Read().First().Inputs[0], 500)];
        ObservedSamples observed = new(samples, index =>
        {
            last = index;
            if (index == 20)
            {
                cancellation.Cancel();
            }
        });

        Assert.Throws<OperationCanceledException>(() =>
            new StaticQuantization().Apply(TwoConvolutions().Model, new PassContext(TargetProfiles.CpuX64, observed, CancellationToken: cancellation.Token)));
        Assert.IsLessThan(100, last);
    }

    [TestMethod]
    public void Progress_reaches_the_end()
    {
        HighestProgress progress = new();

        new StaticQuantization().Apply(TwoConvolutions().Model, new PassContext(TargetProfiles.CpuX64, ListedSamples.Random(Shape, 8), progress));

        Assert.AreEqual(1.0, progress.Value);
    }

    [TestMethod]
    public void Integers_that_a_branch_captures_reach_it_as_floats()
    {
        SmallNetwork network = new(shape: [64, 256]);
        Value hidden = network.Graph.Add("MatMul", network.Input, network.Weight("w1", 256, 256));
        network.Output(network.Graph.Add("MatMul", hidden, network.Weight("w2", 256, 256)));
        Model before = WithBranches(network.Model, hidden);
        Model after = before.Clone();

        Assert.IsTrue(Quantize(after, network.Samples).Changed);

        Assert.AreEqual(1, OptimizedGraph.Operators(after)["QLinearMatMul"]);
        Assert.IsLessThan(0.03, Difference(before, after, output: 0));
        Assert.IsLessThan(0.03, Difference(before, after, output: 1));
    }

    [TestMethod]
    public void A_convolution_stays_in_float_when_a_branch_captures_its_result()
    {
        SmallNetwork network = TwoConvolutions();
        Model before = WithBranches(network.Model, network.Graph.Nodes.First(node => node.OpType == "Relu").Output);
        Model after = before.Clone();

        PassOutcome outcome = Quantize(after, network.Samples);

        Assert.Contains("Conv 'a' stays in float: its result reaches an output", string.Join("\n", outcome.Refusals));
        Assert.IsLessThan(0.03, Difference(before, after, output: 0));
        Assert.IsLessThan(0.001, Difference(before, after, output: 1));
    }

    /// <summary>Gives the model a second output, of an If whose branches read <paramref name="captured"/>.</summary>
    private static Model WithBranches(Model model, Value captured)
    {
        Value condition = model.Graph.AddNode("Constant", []).Set("value", Tensor.Scalar(true)).Output;
        Value chosen = Branches.AddIf(condition, branch => branch.Add("Relu", captured), branch => branch.Add("Neg", captured));
        chosen.Type = new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null);
        model.Graph.AddOutput(chosen);
        return model;
    }

    private static SmallNetwork TwoConvolutions()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Graph.Add("Relu", network.Convolve(network.Input, "a")), "b"));
        return network;
    }

    private static PassOutcome Quantize(Model model, Dataset samples) => new StaticQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64, samples));

    private static double Difference(Model before, Model after, int output)
    {
        using ModelSession first = ModelSession.Open(before);
        using ModelSession second = ModelSession.Open(after);
        long[] shape = [.. first.Inputs[0].Shape.Select(dimension => dimension.Size!.Value)];
        IReadOnlyList<Tensor> sample = ListedSamples.Random(shape, 1).Read().First().Inputs;
        return RealModels.RelativeError(first.Run(sample)[output], second.Run(sample)[output]);
    }

    private static void AssertRefused(Model model, Dataset samples, string reason)
    {
        byte[] before = model.ToBytes();
        PassOutcome outcome = Quantize(model, samples);
        Assert.IsFalse(outcome.Changed);
        Assert.Contains(reason, outcome.Explanation);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    /// <summary>Samples that tell when each is read.</summary>
    private sealed class ObservedSamples(Tensor[] tensors, Action<int> reading) : Dataset
    {
        public override string Path => "observed";

        public override int Count => tensors.Length;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read()
        {
            for (int i = 0; i < tensors.Length; i++)
            {
                reading(i);
                yield return new Sample([tensors[i]], null);
            }
        }
    }

    private sealed class HighestProgress : IProgress<double>
    {
        private readonly Lock gate = new();

        internal double Value { get; private set; }

        public void Report(double value)
        {
            lock (gate)
            {
                Value = Math.Max(Value, value);
            }
        }
    }
}
