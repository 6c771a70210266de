using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public sealed class Float16SignatureTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cuda);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void A_model_that_computes_in_float16_has_no_cast_left()
    {
        Model model = Product();
        new Float16Conversion().Apply(model, Context);

        PassOutcome outcome = new Float16Signature().Apply(model, Context);

        Assert.IsTrue(outcome.Changed);
        CollectionAssert.AreEqual(new[] { "MatMul" }, Operators(model));
        AssertSignature(model);
    }

    [TestMethod]
    public void A_model_that_computes_in_float32_has_one_cast_at_each_end()
    {
        Model model = Product();
        Value x = model.Graph.Inputs[0];
        model.Graph.Outputs[0].Producer!.SetInput(0, model.Graph.Add("Add", model.Graph.Add("Abs", x), x));

        new Float16Signature().Apply(model, Context);

        CollectionAssert.AreEqual(new[] { "Cast", "Abs", "Add", "MatMul", "Cast" }, Operators(model));
        AssertSignature(model);
    }

    [TestMethod]
    public void What_is_read_inside_of_an_output_stays_float32()
    {
        Model model = Product();
        Value y = model.Graph.Outputs[0];
        model.Graph.AddOutput(model.Graph.Add("CumSum", y, model.Graph.AddInitializer("axis", Tensor.Scalar(1L))));
        new Float16Conversion().Apply(model, Context);

        new Float16Signature().Apply(model, Context);

        CollectionAssert.AreEqual(new[] { "MatMul", "Cast", "CumSum", "Cast" }, Operators(model));
        AssertSignature(model);
    }

    [TestMethod]
    public void Types_that_are_not_float32_stay()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Int64, 1, 4));
        Value y = model.Graph.Add("Neg", x);
        y.Type = x.Type;
        model.Graph.AddOutput(y);

        Assert.IsFalse(new Float16Signature().Apply(model, Context).Changed);
    }

    [TestMethod]
    public void An_input_that_is_given_back_runs()
    {
        Model model = Product();
        model.Graph.AddOutput(model.Graph.Inputs[0]);

        new Float16Signature().Apply(model, Context);

        AssertSignature(model);
    }

    [TestMethod]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx")]
    [DataRow("magika_standard_v3_3.onnx")]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    public void Real_models_give_what_they_gave(string name)
    {
        QuantizationCase model = new(name);
        foreach (bool isHalf in new[] { false, true })
        {
            Model changed = model.Simplified.Clone();
            if (isHalf)
            {
                new Float16Conversion().Apply(changed, new PassContext(TargetProfiles.Cuda, model.Open(calibration: true)));
            }

            using ModelSession before = ModelSession.Open(changed);
            PassOutcome outcome = new Float16Signature().Apply(changed, Context);
            TestContext.WriteLine(outcome.Explanation);
            using ModelSession after = ModelSession.Open(changed);

            Assert.IsFalse(after.Inputs.Concat(after.Outputs).Any(value => value.ElementType == ElementType.Float));
            IReadOnlyList<Tensor> inputs = model.Open(calibration: false).Read().First().Inputs;
            Assert.IsTrue(before.Run(inputs).Zip(after.Run(inputs)).All(pair => RealModels.RelativeError(pair.First, Widened(pair.Second)) < 0.02));
        }
    }

    /// <summary>x: Float[1, 4] → MatMul → y.</summary>
    private static Model Product()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value y = model.Graph.Add("MatMul", x, model.Graph.AddInitializer("W", Tensor.Create([4, 4], Enumerable.Repeat(0.5f, 16).ToArray())));
        y.Name = "y";
        y.Type = x.Type;
        model.Graph.AddOutput(y);
        return model;
    }

    private static Tensor Widened(Tensor tensor) => tensor.ElementType == ElementType.Float16 ? Tensor.Create([.. tensor.Dimensions], tensor.ToSingles()) : tensor;

    private static string[] Operators(Model model) => [.. model.Graph.TopologicalOrder().Select(node => node.OpType)];

    private static void AssertSignature(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        Assert.IsTrue(session.Inputs.Concat(session.Outputs).All(value => value.ElementType == ElementType.Float16));
        Assert.AreEqual("x", session.Inputs[0].Name);
        Assert.AreEqual(5.0, session.Run([Tensor.Create([1, 4], new[] { 1f, 2, 3, 4 })])[0].ToSingles()[0] / (Operators(model).Contains("Abs") ? 2 : 1), 1e-3);
    }
}
