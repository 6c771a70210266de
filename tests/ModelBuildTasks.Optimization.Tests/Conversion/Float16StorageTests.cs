using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public sealed class Float16StorageTests
{
    [TestMethod]
    public void Numbers_that_came_from_float16_are_stored_so_and_compute_the_same()
    {
        Model model = Product(value => (float)(System.Half)value);
        Tensor before = Run(model);
        int bytes = model.ToBytes().Length;

        PassOutcome outcome = Store(model);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsLessThan(0.6 * bytes, model.ToBytes().Length);
        CollectionAssert.AreEqual(before.ToSingles(), Run(model).ToSingles());
    }

    [TestMethod]
    public void Other_numbers_are_rounded_to_11_bits()
    {
        Model model = Product(value => value);
        Tensor before = Run(model);

        Assert.IsTrue(Store(model).Changed);

        Assert.IsLessThan(0.001, RealModels.RelativeError(before, Run(model)));
    }

    [TestMethod]
    [DataRow(1e6f)]
    [DataRow(1e-7f)]
    public void Numbers_beyond_the_range_of_float16_stay(float scale)
    {
        Model model = Product(value => value * scale);

        Assert.IsFalse(Store(model).Changed);
        Assert.AreEqual(ElementType.Float, model.Graph.Initializers.Single().Initializer!.ElementType);
    }

    [TestMethod]
    public void What_is_smaller_than_a_cast_stays() => Assert.IsFalse(Store(Product(value => value, outputs: 4)).Changed);

    [TestMethod]
    public void Quantized_layers_keep_their_scales_and_the_others_are_stored_in_two_bytes()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Convolve(network.Input, "a"), "b"));
        network.Quantize();
        Tensor before = Run(network.Model, network.Samples.Read().First().Inputs[0]);

        Store(network.Model);

        CollectionAssert.AreEqual(before.ToSingles(), Run(network.Model, network.Samples.Read().First().Inputs[0]).ToSingles(), new CloseTo(1e-3f));
        Assert.IsTrue(network.Graph.Nodes.Where(node => node.OpType is "QuantizeLinear" or "DequantizeLinear").All(node => node.Input(1)!.Constant is { ElementType: ElementType.Float }));
    }

    private static PassOutcome Store(Model model) => new Float16Storage().Apply(model, new PassContext(TargetProfiles.Cpu));

    private static Model Product(Func<float, float> number, int outputs = 64)
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 32));
        Value y = model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Tensor.Create([32, outputs], Array.ConvertAll(Weights.Uniform(new Random(3), [32, outputs]).ToSingles(), value => number(value)))));
        y.Type = new TensorType(ElementType.Float, 1, outputs);
        model.Graph.AddOutput(y);
        return model;
    }

    private static Tensor Run(Model model, Tensor? sample = null)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([sample ?? Weights.Uniform(new Random(5), [1, 32])])[0];
    }

    private sealed class CloseTo(float tolerance) : System.Collections.IComparer
    {
        public int Compare(object? x, object? y) => Math.Abs((float)x! - (float)y!) <= tolerance ? 0 : 1;
    }
}
