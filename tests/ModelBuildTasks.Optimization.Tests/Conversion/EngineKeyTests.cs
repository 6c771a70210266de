using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

/// <summary>Names by which the TensorRT provider knows an engine again.</summary>
[TestClass]
public sealed class EngineKeyTests
{
    [TestMethod]
    public void One_model_has_one_name() => Assert.AreEqual(NameOf(Product(0.5f)), NameOf(Model.Parse(Product(0.5f).ToBytes())));

    [TestMethod]
    public void Metadata_are_no_part_of_it()
    {
        Model told = Product(0.5f);
        told.Metadata["modelbuild.version"] = "2.0.0";

        Assert.AreEqual(NameOf(Product(0.5f)), NameOf(told));
    }

    [TestMethod]
    public void Other_weights_give_another_name() => Assert.AreNotEqual(NameOf(Product(0.5f)), NameOf(Product(0.25f)));

    [TestMethod]
    public void Another_shape_gives_another_name() => Assert.AreNotEqual(NameOf(Product(0.5f, rows: 1)), NameOf(Product(0.5f, rows: 2)));

    [TestMethod]
    public void Branches_are_named_too()
    {
        Model model = IfModel.Parse();

        EngineKey.Write(model);

        string digest = model.Graph.Name.Split('_')[^1];
        Assert.IsTrue(model.Graph.WithSubgraphs().All(graph => graph.Name.EndsWith($"_{digest}", StringComparison.Ordinal)));
    }

    private static string NameOf(Model model)
    {
        EngineKey.Write(model);
        StringAssert.StartsWith(model.Graph.Name, "g_");
        return model.Graph.Name;
    }

    private static Model Product(float weight, long rows = 1)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, rows, 4));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("W", Tensor.Create([4, 4], Enumerable.Repeat(weight, 16).ToArray()))));
        return model;
    }
}
