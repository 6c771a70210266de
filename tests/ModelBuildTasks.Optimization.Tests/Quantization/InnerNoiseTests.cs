using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class InnerNoiseTests
{
    [TestMethod]
    public void A_tensor_has_the_error_of_its_own_numbers_as_codes()
    {
        SmallNetwork network = Chain();
        float[] numbers = [.. network.Samples.Take(InnerNoise.MostSamples).Read().SelectMany(sample => sample.Inputs[0].ToSingles())];

        PlannedTensor planned = network.Quantize().Plan!.Tensors.Single(tensor => tensor.Name == "x");

        double[] errors = [.. numbers.Select(number => number - planned.Scale * (Math.Clamp(Math.Round(number / planned.Scale) + planned.ZeroPoint, 0, 255) - planned.ZeroPoint))];
        Assert.AreEqual(Math.Sqrt(errors.Average(error => error * error)), planned.Noise!.Error, 1e-6);
        Assert.AreEqual(10 * Math.Log10(numbers.Average(number => (double)number * number) / errors.Average(error => error * error)), planned.Noise.Decibels, 0.01);
    }

    [TestMethod]
    public void The_last_layer_has_the_noise_of_the_output()
    {
        SmallNetwork network = Chain();
        ListedSamples samples = network.Samples;
        float[] before = Run(network.Model, samples);

        PlannedLayer last = network.Quantize().Plan!.Layers[^1];

        Assert.AreEqual(Decibels(before, Run(network.Model, samples)), last.SignalToNoise!.Value, 0.05);
    }

    [TestMethod]
    public void A_layer_in_integers_has_the_noise_of_the_integers_that_it_hands_on()
    {
        SmallNetwork network = Chain();
        ListedSamples samples = network.Samples;
        Model exact = network.Model.Clone();
        Expose(exact, "b");

        PlannedLayer layer = network.Quantize().Plan!.Layers.Single(layer => layer.Name == "Conv 'b'");

        // In the quantized model, the codes behind the convolution are what the next layer dequantizes.
        Expose(network.Model, "c");
        Assert.IsTrue(layer.IsInteger);
        Assert.AreEqual(Decibels(Run(exact, samples), Run(network.Model, samples)), layer.SignalToNoise!.Value, 0.05);

        void Expose(Model model, string reader)
        {
            Node node = model.Graph.Nodes.Single(node => node.Name == reader);
            Value value = reader == "b" ? node.Output.Uses[0].Node.Output : node.Inputs[0]!;
            model.Graph.RemoveOutput(model.Graph.Outputs[0]);
            model.Graph.AddOutput(value);
            model.Graph.RemoveUnused();
        }
    }

    [TestMethod]
    public void Layers_in_front_of_all_integers_are_exact()
    {
        SmallNetwork network = Chain(first: 3);

        QuantizationPlan plan = network.Quantize().Plan!;

        PlannedLayer first = plan.Layers[0];
        Assert.IsFalse(first.IsInteger);
        Assert.AreEqual(double.PositiveInfinity, first.SignalToNoise);
    }

    [TestMethod]
    [DataRow(RangeMethod.MinMax, "MinMax")]
    [DataRow(RangeMethod.Entropy, "Entropy")]
    [DataRow(RangeMethod.MeanSquaredError, "Mse")]
    public void The_plan_names_the_method_of_each_range(RangeMethod method, string expected)
    {
        SmallNetwork network = Chain();

        QuantizationPlan plan = new StaticQuantization(method).Apply(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples)).Plan!;

        Assert.AreEqual(expected, plan.Tensors.Single(tensor => tensor.Name == "x").Method);
    }

    [TestMethod]
    public void A_tensor_whose_elements_were_only_moved_has_the_range_of_where_they_come_from()
    {
        SmallNetwork network = new();
        Value convolved = network.Convolve(network.Input, "a");
        Value swapped = network.Graph.AddNode("Transpose", [convolved]).Set("perm", [0L, 1, 3, 2]).Output;
        network.Classify(network.Convolve(swapped, "b"));

        QuantizationPlan plan = network.Quantize().Plan!;

        Assert.AreEqual($"that of '{convolved.Name}'", plan.Tensors.Single(tensor => tensor.Name == swapped.Name).Method);
    }

    [TestMethod]
    public void A_layer_that_gets_another_number_of_rows_in_integers_has_no_figure()
    {
        SmallNetwork network = new(opset: 17, shape: [1024, 256]);
        Value rows = network.Graph.AddNode("MatMul", [network.Input, network.Weight("a.w", 256, 256)], name: "a").Output;
        Value mean = network.Graph.AddNode("ReduceMean", [rows]).Set("axes", [1L]).Set("keepdims", 0L).Output;
        Value keep = network.Graph.Add("Greater", mean, network.Graph.AddInitializer("zero", Tensor.Scalar(0f)));
        Value kept = network.Graph.AddNode("Compress", [rows, keep]).Set("axis", 0L).Output;
        Value result = network.Graph.AddNode("MatMul", [kept, network.Weight("b.w", 256, 256)], name: "b").Output;
        network.Output(network.Graph.AddNode("ReduceMean", [result]).Set("axes", [0L]).Output);
        PassContext context = new(TargetProfiles.CpuX64, network.Samples);
        CalibratedModel model = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);

        InnerNoise noise = InnerNoise.Measure(model, model.Fastest(new FloatNodes()), context)!;

        Assert.IsNotNull(noise.Of(Layer("a")));
        Assert.IsNull(noise.Of(Layer("b")));

        Node Layer(string name) => model.Candidates.Order.Single(node => node.Name == name);
    }

    private static SmallNetwork Chain(int first = SmallNetwork.Channels)
    {
        SmallNetwork network = first == SmallNetwork.Channels ? new() : new(shape: [1, first, 32, 32]);
        Value value = network.Convolve(network.Input, "a", inputs: first);
        value = network.Graph.Add("Relu", value);
        value = network.Graph.Add("Relu", network.Convolve(value, "b"));
        network.Classify(network.Convolve(value, "c"));
        return network;
    }

    private static float[] Run(Model model, ListedSamples samples)
    {
        using ModelSession session = ModelSession.Open(model);
        return [.. samples.Take(InnerNoise.MostSamples).Read().SelectMany(sample => session.Run(sample.Inputs)[0].ToSingles())];
    }

    private static double Decibels(float[] before, float[] after) =>
        10 * Math.Log10(before.Sum(x => (double)x * x) / before.Zip(after, (x, y) => ((double)x - y) * ((double)x - y)).Sum());
}
