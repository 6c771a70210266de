using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

/// <summary>What a device gives that computes in float16, shown on a processor that does not.</summary>
[TestClass]
public sealed class Float16EmulationTests
{
    [TestMethod]
    public void Each_result_is_rounded_to_float16()
    {
        float[] found = Run(Float16Emulation.Of(Half(weight: 1.5f, scale: 1f / 3))!);

        float product = (float)(Half)(1.5f * 3);
        Assert.AreEqual((float)(Half)(product * (float)(Half)(1f / 3)), found[0]);
    }

    [TestMethod]
    public void What_overflows_on_the_way_is_infinite_though_the_processor_computes_it()
    {
        Model half = Half(weight: 30000, scale: 0.001f);

        Assert.AreEqual(90f, Run(half)[0], 0.1f);
        Assert.AreEqual(float.PositiveInfinity, Run(Float16Emulation.Of(half)!)[0]);
    }

    [TestMethod]
    public void A_float16_model_that_was_lifted_and_converted_again_is_shown()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 1));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("W", Tensor.Create([1, 1], new[] { (Half)2 }))));
        model.Graph.Outputs[0].Type = new TensorType(ElementType.Float16, 1, 1);
        new Float32Conversion().Apply(model, new PassContext(TargetProfiles.Cpu));
        model.Graph.AddOutput(model.Graph.AddNode("Cast", [x], name: "again").Set("to", (long)ElementType.Float16).Output);

        using ModelSession session = ModelSession.Open(Float16Emulation.Of(model)!);

        Assert.AreEqual(6f, session.Run([Tensor.Create([1, 1], new[] { (Half)3 })])[0].ToSingles()[0]);
    }

    [TestMethod]
    public void A_model_in_float32_has_nothing_to_show() => Assert.IsNull(Float16Emulation.Of(Single(1, 1)));

    /// <summary>y = x·W·scale in float16, for x = [3].</summary>
    private static Model Half(float weight, float scale)
    {
        Model model = Single(weight, scale);
        Assert.IsTrue(new Float16Conversion().Apply(model, new PassContext(TargetProfiles.Cuda)).Changed);
        return model;
    }

    private static Model Single(float weight, float scale)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1));
        Value product = model.Graph.Add("MatMul", x, model.Graph.AddInitializer("W", Tensor.Create([1, 1], [weight])));
        model.Graph.AddOutput(model.Graph.Add("Mul", product, model.Graph.AddInitializer("scale", Tensor.Scalar(scale))));
        return model;
    }

    private static float[] Run(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([Tensor.Create([1, 1], [3f])])[0].ToSingles();
    }
}
