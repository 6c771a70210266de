using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Models that come in float16, for targets that compute in it.</summary>
[TestClass]
public sealed class Float16SourceTests
{
    [TestMethod]
    [DataRow(Precision.Auto, TargetNames.Cuda, false)]
    [DataRow(Precision.Auto, TargetNames.Cuda, true)]
    [DataRow(Precision.Float16, TargetNames.Cuda, false)]
    [DataRow(Precision.Float16, TargetNames.Cuda, true)]
    [DataRow(Precision.Float16, TargetNames.TensorRt, true)]
    [DataRow(Precision.Auto, TargetNames.DirectMl, true)]
    public void What_is_in_float16_already_is_no_finding(Precision precision, string target, bool canBeSimplified)
    {
        using Workplace place = Workplace.With(Half(canBeSimplified));

        OptimizationResult result = Run(place, precision, target);

        Assert.AreEqual("", Findings(result));
        Assert.AreEqual(canBeSimplified, result.Recipe.Any(step => step.Applied));
    }

    [TestMethod]
    public void Pruned_weights_of_a_float16_model_are_float16_again()
    {
        using Workplace place = Workplace.With(Half(canBeSimplified: true));

        Workplace.Run(place.Request(request =>
            (request.Target, request.Settings.Pruning, request.Settings.Sparsity) = (TargetNames.Cuda, Contracts.Pruning.Magnitude, 0.5)));

        Assert.IsTrue(Model.Load(place.OutputPath).Graph.Initializers.All(value => value.Initializer!.ElementType != ElementType.Float));
    }

    [TestMethod]
    [DataRow(Precision.Auto, "MBT1001")]
    [DataRow(Precision.Float16, "MBT1001 MBT1006")]
    public void A_layer_that_can_not_be_float16_is_told_beside_one_that_is(Precision precision, string expected)
    {
        Model model = Half(canBeSimplified: false);
        Value tooLarge = model.Graph.AddInitializer("large", Tensor.Create([4, 4], [.. Enumerable.Repeat(1e6f, 16)]));
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.AddInput("float", new TensorType(ElementType.Float, 1, 4)), tooLarge));
        using Workplace place = Workplace.With(model);

        Assert.AreEqual(expected, Findings(Run(place, precision, TargetNames.Cuda)));
    }

    private static OptimizationResult Run(Workplace place, Precision precision, string target) =>
        Workplace.Run(place.Request(request => (request.Target, request.Settings.Precision) = (target, precision)));

    private static string Findings(OptimizationResult result) =>
        string.Join(' ', result.Diagnostics.Select(diagnostic => diagnostic.Code).Where(code => code is "MBT1001" or "MBT1003" or "MBT1006").Order());

    /// <summary>A convolution in float16, whose output a Cast makes float32.</summary>
    private static Model Half(bool canBeSimplified)
    {
        Model model = Model.Create("half", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 4, 8, 8));
        Value weight = model.Graph.AddInitializer("w", Tensor.Create([16, 4, 3, 3], [.. Enumerable.Range(0, 16 * 4 * 9).Select(i => (Half)(0.1f * MathF.Sin(i)))]));
        Value y = model.Graph.Add("Conv", canBeSimplified ? model.Graph.Add("Identity", x) : x, weight);
        model.Graph.AddOutput(model.Graph.AddNode("Cast", [y]).Set("to", (long)ElementType.Float).Output);
        return model;
    }
}
