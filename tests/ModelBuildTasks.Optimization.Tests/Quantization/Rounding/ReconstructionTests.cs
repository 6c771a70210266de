using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class ReconstructionTests
{
    [TestMethod]
    public void Fitted_layers_bring_the_output_nearer_to_that_of_the_float_model_and_take_out_its_mean_error()
    {
        SmallNetwork network = Network();
        PassContext context = new(TargetProfiles.Cpu, network.Samples);
        CalibratedModel calibrated = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());

        WeightRounding round = Reconstruction.Run(calibrated, choice, context);

        Assert.IsGreaterThan(2, choice.Selection.Layers.Count);
        (double plainMean, double plain) = Errors(network.Model, calibrated.Form(choice), network.Samples);
        (double mean, double fitted) = Errors(network.Model, calibrated.Form(choice, round), network.Samples);
        Assert.IsLessThan(0.8 * plain, fitted);
        Assert.IsLessThan(0.5 * plainMean, mean);
    }

    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        byte[] first = Form();

        CollectionAssert.AreEqual(first, Form());

        static byte[] Form()
        {
            SmallNetwork network = Network();
            PassContext context = new(TargetProfiles.Cpu, network.Samples);
            CalibratedModel calibrated = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
            QuantizationChoice choice = calibrated.All(new FloatNodes());
            return calibrated.Form(choice, Reconstruction.Run(calibrated, choice, context)).ToBytes();
        }
    }

    [TestMethod]
    public void Layers_are_rounded_alike_one_at_a_time_or_all_at_once()
    {
        SmallNetwork network = Network();
        PassContext context = new(TargetProfiles.Cpu, network.Samples);
        CalibratedModel calibrated = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());

        byte[] together = calibrated.Form(choice, Reconstruction.Run(calibrated, choice, context)).ToBytes();
        byte[] alone = calibrated.Form(choice, Reconstruction.Run(calibrated, choice, context, mostStatistics: 1)).ToBytes();

        CollectionAssert.AreEqual(together, alone);
    }

    [TestMethod]
    public void Layers_that_share_their_weights_go_on_sharing_them()
    {
        SmallNetwork network = new();
        Value weight = network.Weight("shared", SmallNetwork.Channels, SmallNetwork.Channels, 3, 3);
        Value first = network.Graph.AddNode("Conv", [network.Input, weight]).Set("pads", [1L, 1, 1, 1]).Output;
        network.Classify(network.Graph.AddNode("Conv", [first, weight]).Set("pads", [1L, 1, 1, 1]).Output);
        PassContext context = new(TargetProfiles.Cpu, network.Samples);
        CalibratedModel calibrated = new(network.Model, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());

        Model form = calibrated.Form(choice, Reconstruction.Run(calibrated, choice, context));

        Assert.HasCount(1, form.Graph.Nodes.Where(node => node.OpType == "Conv").Select(node => node.Inputs[1]).Distinct());
    }

    [TestMethod]
    [DoNotParallelize]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("aka_resnet20_cifar10.onnx")]
    public void A_real_model_has_less_noise_than_with_the_nearest_codes(string name)
    {
        QuantizationCase model = new(name);
        PassContext context = new(TargetProfiles.Cpu, model.Open(calibration: true).Take(24));
        CalibratedModel calibrated = new(model.Simplified, context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.All(new FloatNodes());

        WeightRounding round = Reconstruction.Run(calibrated, choice, context);

        Dataset unseen = model.Open(calibration: false).Take(40);
        double plain = Errors(model.Simplified, calibrated.Form(choice), unseen).Squared;
        double fitted = Errors(model.Simplified, calibrated.Form(choice, round), unseen).Squared;
        Console.WriteLine($"{name}: {10 * Math.Log10(plain / fitted):0.0} dB less noise");
        Assert.IsLessThan(plain, fitted);
    }

    private static SmallNetwork Network()
    {
        SmallNetwork network = new();
        Value x = network.Input;
        foreach (string name in new[] { "a", "b", "c" })
        {
            x = network.Graph.Add("Relu", network.Convolve(x, name));
        }

        network.Classify(x);
        return network;
    }

    /// <summary>The sum over the outputs of the mean error's square, and of the mean squared error.</summary>
    private static (double Mean, double Squared) Errors(Model exact, Model form, Dataset samples)
    {
        using ModelSession reference = ModelSession.Open(exact);
        using ModelSession quantized = ModelSession.Open(form);
        double[]? sums = null;
        double squares = 0;
        foreach (Sample sample in samples.Read())
        {
            double[] errors = [.. quantized.Run(sample.Inputs)[0].ToSingles().Zip(reference.Run(sample.Inputs)[0].ToSingles(), (a, b) => (double)a - b)];
            sums = [.. sums?.Zip(errors, (sum, error) => sum + error) ?? errors];
            squares += errors.Sum(error => error * error);
        }

        return (sums!.Sum(sum => sum / samples.Count * (sum / samples.Count)), squares / samples.Count);
    }
}
