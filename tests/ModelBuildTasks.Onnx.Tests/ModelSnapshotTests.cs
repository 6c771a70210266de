namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class ModelSnapshotTests
{
    [TestMethod]
    public void A_restored_model_is_what_it_was()
    {
        Model model = Start();
        byte[] before = model.ToBytes();
        ModelSnapshot snapshot = model.TakeSnapshot();

        Edit(model);
        model.Restore(snapshot);

        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void What_is_edited_after_restoring_does_not_reach_the_snapshot()
    {
        Model model = Start();
        byte[] before = model.ToBytes();
        ModelSnapshot snapshot = model.TakeSnapshot();

        model.Restore(snapshot);
        Edit(model);
        model.Restore(snapshot);

        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Names_that_came_after_the_snapshot_are_free_again()
    {
        Model model = Start();
        ModelSnapshot snapshot = model.TakeSnapshot();

        Edit(model);
        model.Restore(snapshot);

        Assert.AreEqual("later", model.Graph.UniqueName("later"));
        Assert.AreEqual("w_1", model.Graph.UniqueName("w"));
    }

    [TestMethod]
    public void A_restored_graph_can_be_edited_with_its_uses_right()
    {
        Model model = Start();
        ModelSnapshot snapshot = model.TakeSnapshot();
        Edit(model);
        model.Restore(snapshot);

        Value weight = model.Graph.Find("w")!;

        Assert.AreEqual("Add", weight.Uses.Single().Node.OpType);
        Assert.IsTrue(weight.Uses.Single().Node.Output.IsOutput);
        Assert.IsEmpty(model.Validate());
    }

    private static Model Start()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 3));
        model.Graph.AddOutput(model.Graph.Add("Add", x, model.Graph.AddInitializer("w", Tensor.Vector(1f, 2f, 3f))));
        model.OpsetImports["some.domain"] = 2;
        model.Metadata["author"] = "someone";
        model.ProducerName = "exporter";
        return model;
    }

    private static void Edit(Model model)
    {
        Value weight = model.Graph.Find("w")!;
        weight.Initializer = Tensor.Vector(4f);
        model.Graph.Outputs[0].InsertAfter("Neg");
        model.Graph.AddInitializer("later", Tensor.Scalar(1f));
        weight.Uses[0].Node.Set("broadcast", 1L);
        (model.Opset, model.IrVersion, model.ProducerName) = (18, 9, "somebody else");
        model.OpsetImports.Remove("some.domain");
        model.Metadata["author"] = "another";
        model.Metadata["more"] = "1";
    }
}
