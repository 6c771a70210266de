using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What is said of sources that came quantized for another runtime than that of the target.</summary>
[TestClass]
public sealed class UntakenIntegersTests
{
    [TestMethod]
    public void A_zero_point_that_TensorRT_refuses_is_a_warning()
    {
        Diagnostic warning = Warnings(TargetNames.TensorRt, zeroPoint: 3).Single();

        Assert.AreEqual(DiagnosticSeverity.Warning, warning.Severity);
        StringAssert.Contains(warning.Message, "'model' for tensorrt keeps integers that tensorrt does not take: it takes QuantizeLinear and DequantizeLinear of int8 with zero point 0 only");
        StringAssert.Contains(warning.Message, "with zero point 3");
    }

    [TestMethod]
    public void So_it_is_from_the_cache()
    {
        using Workplace place = Quantized(zeroPoint: 3);

        Assert.HasCount(1, Warnings(place, TargetNames.TensorRt));
        Assert.HasCount(1, Warnings(place, TargetNames.TensorRt));
    }

    [TestMethod]
    public void Zero_points_of_0_are_none() => Assert.IsEmpty(Warnings(TargetNames.TensorRt, zeroPoint: 0));

    [TestMethod]
    [DataRow(TargetNames.Cpu)]
    [DataRow(TargetNames.Cuda)]
    public void On_other_targets_no_zero_point_is_one(string target) => Assert.IsEmpty(Warnings(target, zeroPoint: 3));

    private static Diagnostic[] Warnings(string target, sbyte zeroPoint)
    {
        using Workplace place = Quantized(zeroPoint);
        return Warnings(place, target);
    }

    private static Diagnostic[] Warnings(Workplace place, string target)
    {
        OptimizationResult result = Workplace.Run(place.Request(request => request.Target = target));
        Assert.IsTrue(result.Succeeded);
        return [.. result.Diagnostics.Where(diagnostic => diagnostic.Code == "MBT1023")];
    }

    /// <summary>x: Float[N, 64] → QuantizeLinear, DequantizeLinear (int8), Relu → scores.</summary>
    private static Workplace Quantized(sbyte zeroPoint)
    {
        Model model = SmallModels.Plain();
        Graph graph = model.Graph;
        Node relu = graph.Nodes.Single();
        Value scale = graph.AddInitializer("scale", Tensor.Scalar(0.01f));
        Value zero = graph.AddInitializer("zero", Tensor.Scalar(zeroPoint));
        relu.SetInput(0, graph.Add("DequantizeLinear", graph.Add("QuantizeLinear", graph.Inputs[0], scale, zero), scale, zero));
        return Workplace.With(model);
    }
}
