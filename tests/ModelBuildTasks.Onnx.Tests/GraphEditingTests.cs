using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class GraphEditingTests
{
    private static readonly TensorType Vector = new(ElementType.Float, 3);

    [TestMethod]
    public void Replacing_a_graph_output_keeps_its_name_and_type()
    {
        (Model model, Value x) = Start();
        Value first = model.Graph.Add("Neg", x);
        Value second = model.Graph.Add("Relu", first);
        second.Name = "y";
        second.Type = Vector;
        model.Graph.AddOutput(second);

        second.ReplaceWith(first);
        model.Graph.Remove(second.Producer!);

        Assert.AreEqual("y", model.Graph.Outputs.Single().Name);
        Assert.AreEqual(Vector.ToString(), model.Graph.Outputs.Single().Type!.ToString());
        Assert.AreSame(first, model.Graph.Find("y"));
        Assert.AreEqual(1, Model.Parse(model.ToBytes()).Graph.Nodes.Count);
    }

    [TestMethod]
    public void Nodes_of_one_name_are_written_under_names_of_their_own()
    {
        (Model model, Value x) = Start();
        Value first = model.Graph.AddNode("Neg", [x], name: "n").Output;
        Value second = model.Graph.AddNode("Relu", [first], name: "n_1").Output;
        model.Graph.AddOutput(model.Graph.AddNode("Abs", [model.Graph.Add("Neg", model.Graph.Add("Neg", second))], name: "n").Output);

        CollectionAssert.AreEqual(new[] { "n", "n_1", "", "", "n_2" }, Model.Parse(model.ToBytes()).Graph.Nodes.Select(node => node.Name).ToArray());
    }

    [TestMethod]
    public void An_output_less_moves_those_behind_it_up_and_frees_its_name()
    {
        (Model model, Value x) = Start();
        Node split = model.Graph.AddNode("Split", [x], outputCount: 3, name: "parts").Set("axis", 0L);
        model.Graph.AddOutput(split.Outputs[0]);
        model.Graph.AddOutput(split.Outputs[2]);

        split.RemoveOutput(1);

        CollectionAssert.AreEqual(new[] { "parts_output_0", "parts_output_2" }, Model.Parse(model.ToBytes()).Graph.Nodes[0].Outputs.Select(output => output.Name).ToArray());
        Assert.AreEqual("parts_output_1", model.Graph.UniqueName("parts_output_1"));
    }

    [TestMethod]
    public void An_output_that_is_read_stays()
    {
        (Model model, Value x) = Start();
        Node split = model.Graph.AddNode("Split", [x], outputCount: 2);
        model.Graph.AddOutput(split.Outputs[0]);
        model.Graph.AddOutput(model.Graph.Add("Neg", split.Outputs[1]));

        Assert.ThrowsExactly<InvalidOperationException>(() => split.RemoveOutput(0));
        Assert.ThrowsExactly<InvalidOperationException>(() => split.RemoveOutput(1));
    }

    [TestMethod]
    public void A_type_that_was_read_before_does_not_outlive_the_replacement()
    {
        (Model model, Value x) = Start();
        Value first = model.Graph.Add("Neg", x);
        first.Type = new TensorType(ElementType.Float, 9);
        Value second = model.Graph.Add("Relu", first);
        second.Type = Vector;
        model.Graph.AddOutput(second);
        Assert.IsNotNull(first.Type);

        second.ReplaceWith(first);

        Assert.AreEqual(Vector.ToString(), first.Type.ToString());
    }

    [TestMethod]
    public void A_graph_output_cannot_become_an_input_or_an_initializer()
    {
        (Model model, Value x) = Start();
        Value y = model.Graph.Add("Identity", x);
        model.Graph.AddOutput(y);

        Assert.IsFalse(y.CanReplaceWith(x));
        Assert.IsFalse(y.CanReplaceWith(model.Graph.AddInitializer("w", Tensor.Scalar(1f))));
        Assert.ThrowsExactly<InvalidOperationException>(() => y.ReplaceWith(x));
    }

    [TestMethod]
    public void A_value_of_a_branch_cannot_replace_an_outer_one()
    {
        Model model = Branching("r");
        Value inner = model.Graph.WithSubgraphs().Skip(1).First().Find("r")!;

        Assert.IsFalse(model.Graph.Find("h")!.CanReplaceWith(inner));
    }

    [TestMethod]
    public void Replacing_reaches_the_readers_in_branches()
    {
        Model model = Branching("r");
        Value other = model.Graph.Add("Abs", model.Graph.Find("x")!);

        model.Graph.Find("h")!.ReplaceWith(other);
        model.Graph.RemoveUnused();

        Assert.AreEqual("Abs", Model.Parse(model.ToBytes()).Graph.WithSubgraphs().Skip(1).First().Nodes[0].Input(0)!.Producer!.OpType);
    }

    [TestMethod]
    public void An_outer_value_that_a_branch_returns_is_in_use()
    {
        Model model = Branching("h");

        model.Graph.RemoveUnused();

        Assert.IsNotNull(model.Graph.Find("h"));
        Assert.IsTrue(model.Graph.Find("h")!.IsOutput);
    }

    [TestMethod]
    public void Unused_nodes_go_with_the_weights_that_only_they_read()
    {
        (Model model, Value x) = Start();
        Value w = model.Graph.AddInitializer("w", Tensor.Vector(1f, 2f, 3f));
        model.Graph.Add("Relu", model.Graph.Add("Add", x, w));
        Value y = model.Graph.Add("Neg", x);
        model.Graph.AddOutput(y);

        model.Graph.RemoveUnused();

        Assert.AreEqual("Neg", model.Graph.Nodes.Single().OpType);
        Assert.IsEmpty(model.Graph.Initializers);
        Assert.HasCount(1, model.Graph.Inputs);
    }

    [TestMethod]
    public void A_node_that_is_read_cannot_be_removed()
    {
        (Model model, Value x) = Start();
        Value y = model.Graph.Add("Neg", x);
        model.Graph.Add("Relu", y);

        Assert.ThrowsExactly<InvalidOperationException>(() => model.Graph.Remove(y.Producer!));
    }

    [TestMethod]
    public void Removing_a_node_with_branches_frees_what_they_captured()
    {
        Model model = Branching("r");
        Node branching = model.Graph.Nodes.Single(node => node.OpType == "If");
        model.Graph.RemoveOutput(branching.Output);

        model.Graph.Remove(branching);

        Assert.IsEmpty(model.Graph.Find("h")!.Uses);
    }

    [TestMethod]
    public void A_branch_can_be_inlined()
    {
        Model model = Branching("r");
        Node branching = model.Graph.Nodes.Single(node => node.OpType == "If");

        Value result = model.Graph.Inline(branching.GetGraph("then_branch")!).Single();
        branching.Output.ReplaceWith(result);
        model.Graph.Remove(branching);

        Model again = Model.Parse(model.ToBytes());
        CollectionAssert.AreEqual(new[] { "Neg", "Relu" }, again.Graph.Nodes.Select(node => node.OpType).ToArray());
        Assert.AreEqual("y", again.Graph.Outputs.Single().Name);
    }

    [TestMethod]
    public void A_clone_shares_weights_but_no_edits()
    {
        (Model model, Value x) = Start();
        Value w = model.Graph.AddInitializer("w", Tensor.Vector(1f, 2f, 3f));
        model.Graph.AddOutput(model.Graph.AddNode("Gelu", [x]).Set("approximate", "none").Output);
        model.Graph.AddOutput(model.Graph.Add("Add", x, w));
        byte[] before = model.ToBytes();
        Model clone = model.Clone();

        clone.Graph.Nodes[0].Set("approximate", "tanh").OpType = "Other";
        clone.Graph.Find("w")!.Initializer = Tensor.Vector(9f, 9f, 9f);
        clone.Graph.Inputs[0].Type = new TensorType(ElementType.Float, 77);
        clone.Opset = 21;
        clone.Metadata["a"] = "b";

        CollectionAssert.AreEqual(before, model.ToBytes());

        // A weight that was read from bytes is the same memory in every clone.
        Model loaded = Model.Parse(before);
        Assert.IsTrue(loaded.Graph.Find("w")!.Initializer!.Data.Span.Overlaps(loaded.Clone().Graph.Find("w")!.Initializer!.Data.Span));
    }

    [TestMethod]
    public void A_failed_save_leaves_the_old_file_and_no_other()
    {
        string folder = Directory.CreateTempSubdirectory("onnx-save-").FullName;
        try
        {
            string path = Path.Combine(folder, "model.onnx");
            (Model model, Value x) = Start();
            model.Graph.AddOutput(model.Graph.Add("Neg", x));
            model.Save(path);
            byte[] before = File.ReadAllBytes(path);
            Value a = model.Graph.Add("Neg", x);
            a.Producer!.SetInput(0, model.Graph.Add("Relu", a));

            Assert.ThrowsExactly<ModelFormatException>(() => model.Save(path));

            CollectionAssert.AreEqual(before, File.ReadAllBytes(path));
            Assert.AreEqual(path, Directory.EnumerateFiles(folder).Single());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void An_operator_put_behind_a_value_is_read_by_all_its_readers()
    {
        (Model model, Value x) = Start();
        Value first = model.Graph.Add("Neg", x);
        Value second = model.Graph.Add("Relu", first);
        first.Name = "y";
        model.Graph.AddOutput(first);

        Node node = first.InsertAfter("Mul", model.Graph.AddInitializer("two", Tensor.Scalar(2f)));

        Assert.AreSame(node.Output, second.Producer!.Input(0));
        Assert.AreSame(node.Output, model.Graph.Outputs.Single());
        Assert.AreEqual("y", node.Output.Name);
        Assert.AreSame(first, node.Input(0));
        Assert.IsEmpty(Model.Parse(model.ToBytes()).Validate());
    }

    [TestMethod]
    public void An_input_that_is_handed_out_keeps_its_name()
    {
        (Model model, Value x) = Start();
        model.Graph.AddOutput(x);

        Assert.IsFalse(x.CanReplaceWith(model.Graph.Add("Neg", x)));
        Assert.ThrowsExactly<InvalidOperationException>(() => x.InsertAfter("Neg"));
    }

    [TestMethod]
    public void A_renamed_value_is_read_by_its_new_name_in_nested_graphs()
    {
        (Model model, Value x) = Start();
        Value outer = model.Graph.Add("Neg", x);
        Node choice = Choose(model, branch => branch.Add("Abs", outer));

        outer.Name = "renamed";
        Model read = Model.Parse(model.ToBytes());

        Assert.AreSame(read.Graph.Find("renamed"), read.Graph.Nodes.Single(node => node.OpType == "If").GetGraph("then_branch")!.Nodes.Single().Input(0));
        Assert.ThrowsExactly<ArgumentException>(() => choice.GetGraph("then_branch")!.AddInput("renamed", Vector));
    }

    [TestMethod]
    public void An_outer_value_is_not_mistaken_for_one_of_the_branch_with_its_name()
    {
        (Model model, Value x) = Start();
        model.Graph.Add("Neg", x).Name = "outer";
        Node choice = Choose(model, branch => branch.Add("Abs", x));
        choice.GetGraph("then_branch")!.Nodes[0].Output.Name = "inner";
        ModelProto proto = ModelProto.Parser.ParseFrom(model.ToBytes());
        GraphProto branch = proto.Graph.Node[1].Attribute[0].G;
        branch.Node[0].Output[0] = branch.Output[0].Name = "outer";
        Model shadowed = Model.Parse(proto.ToByteArray());

        StringAssert.Contains(shadowed.Validate().Single().Problem, "has a value of that name too");
        shadowed.Graph.Nodes[1].GetGraph("then_branch")!.Nodes[0].SetInput(0, shadowed.Graph.Find("outer"));
        Model read = Model.Parse(shadowed.ToBytes());

        Assert.AreSame(read.Graph.Find("outer"), read.Graph.Nodes[1].GetGraph("then_branch")!.Nodes[0].Input(0));
        Assert.IsEmpty(read.Validate());
    }

    [TestMethod]
    public void A_list_of_strings_is_read_as_it_was_set()
    {
        (Model model, Value x) = Start();
        Node node = model.Graph.AddNode("RNN", [x]).Set("activations", ["Tanh", "größer"]);
        model.Graph.AddOutput(node.Output);
        Node read = Model.Parse(model.ToBytes()).Graph.Nodes.Single();
        CollectionAssert.AreEqual(new[] { "Tanh", "größer" }, read.GetStrings("activations"));
        Assert.IsTrue(read.HasSameAttributes(node));
    }

    [TestMethod]
    public void A_list_of_strings_that_is_not_stated_is_none()
    {
        (Model model, Value x) = Start();
        Node node = model.Graph.AddNode("RNN", [x]).Set("hidden_size", 2);
        Assert.IsNull(node.GetStrings("activations"));
        Assert.IsEmpty(node.GetStrings("hidden_size")!);
    }

    [TestMethod]
    public void A_graph_can_be_stated_once_for_an_attribute()
    {
        (Model model, Value x) = Start();
        Node choice = Choose(model, branch => branch.Add("Abs", x));

        Assert.ThrowsExactly<InvalidOperationException>(() => choice.AddGraph("then_branch"));
    }

    [TestMethod]
    public void New_names_are_unique_in_nested_graphs_too()
    {
        Model model = Branching("r");

        Assert.AreEqual("r_1", model.Graph.AddInitializer("r", Tensor.Scalar(1f)).Name);
        Assert.ThrowsExactly<ArgumentException>(() => model.Graph.Find("h")!.Name = "r");
    }

    private static Node Choose(Model model, Func<Graph, Value> build)
    {
        Node choice = model.Graph.AddNode("If", [model.Graph.AddInput("condition", new TensorType(ElementType.Bool))]);
        foreach (string name in new[] { "then_branch", "else_branch" })
        {
            Graph branch = choice.AddGraph(name);
            branch.AddOutput(build(branch));
        }

        model.Graph.AddOutput(choice.Output);
        return choice;
    }

    private static (Model Model, Value Input) Start()
    {
        Model model = Model.Create("g", 17, 8);
        return (model, model.Graph.AddInput("x", Vector));
    }

    /// <summary>h = Neg(x); y = If(x): then r = Relu(h), returning <paramref name="returned"/>.</summary>
    private static Model Branching(string returned)
    {
        GraphProto then = new() { Name = "then" };
        then.Node.Add(Protos.Node("Relu", ["h"], "r"));
        then.Output.Add(Protos.Info(returned));
        return Model.Parse(Protos.Model(Protos.Node("Neg", ["x"], "h"), Protos.If("x", then, "y")).ToByteArray());
    }
}
