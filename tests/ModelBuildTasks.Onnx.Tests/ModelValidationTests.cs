using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class ModelValidationTests
{
    private readonly Model model = Model.Create("main", opset: 17, irVersion: 8);
    private readonly Value x;

    public ModelValidationTests() => x = Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3));

    private Graph Graph => model.Graph;

    [TestMethod]
    public void The_long_name_of_the_standard_operators_is_the_short_one()
    {
        Model model = Model.Create("named", 13, 7);
        model.OpsetImports.Remove("");
        model.OpsetImports["ai.onnx"] = 17;
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 2))));

        Assert.AreEqual(17, model.Opset);
        Assert.IsEmpty(model.Validate());
        Assert.AreEqual(17, Model.Parse(model.ToBytes()).Opset);
    }

    [TestMethod]
    public void A_valid_model_has_no_findings()
    {
        Node choice = Choose();
        Graph.AddOutput(choice.Output);

        Assert.IsEmpty(model.Validate());
    }

    [TestMethod]
    public void An_operator_of_a_domain_that_is_not_imported_is_found()
    {
        Graph.AddOutput(Graph.AddNode("Fused", [x], name: "f", domain: "com.example").Output);

        AssertFound("node 'f' (Fused) in graph 'main'", "com.example");
        model.OpsetImports["com.example"] = 1;
        Assert.IsEmpty(model.Validate());
    }

    [TestMethod]
    public void A_layer_of_no_groups_is_found()
    {
        Graph.AddOutput(Graph.AddNode("ConvTranspose", [x, x], name: "c").Set("group", 0L).Output);

        AssertFound("node 'c' (ConvTranspose) in graph 'main'", "its group is 0");
    }

    [TestMethod]
    public void An_operator_set_of_no_version_is_found()
    {
        model.Opset = 0;

        AssertFound("model", "start at 1");
    }

    [TestMethod]
    public void An_input_without_a_type_is_found()
    {
        x.Type = null;

        AssertFound("value 'x' in graph 'main'", "without a type");
    }

    [TestMethod]
    public void An_initializer_that_is_no_input_is_found_where_the_ir_version_wants_it_to_be()
    {
        Graph.AddOutput(Graph.Add("Mul", x, Graph.AddInitializer("w", Tensor.Scalar(2f))));
        model.IrVersion = 3;

        AssertFound("value 'w' in graph 'main'", "raise IrVersion to 4");
    }

    [TestMethod]
    [DataRow(ElementType.Double, 3)]
    [DataRow(ElementType.Float, 4)]
    public void A_weight_that_is_not_of_its_stated_type_is_found(ElementType type, long size)
    {
        Value weight = Graph.AddInitializer("w", Tensor.Vector(1f, 2f, 3f));
        Graph.AddOutput(Graph.Add("Mul", x, weight));
        weight.Type = new TensorType(type, size);

        AssertFound("value 'w' in graph 'main'", $"Float[3], but its stated type is {type}[{size}]");
    }

    [TestMethod]
    public void A_cycle_is_found()
    {
        Node first = Graph.AddNode("Relu", [x], name: "first");
        first.SetInput(0, Graph.Add("Neg", first.Output));
        Graph.AddOutput(first.Output);

        AssertFound("graph 'main'", "has a cycle through first");
    }

    [TestMethod]
    public void A_value_of_another_branch_is_found()
    {
        Node choice = Choose();
        Graph.AddOutput(choice.Output);
        Graph other = choice.GetGraph("else_branch")!;
        other.Nodes[0].SetInput(0, choice.GetGraph("then_branch")!.Outputs[0]);

        AssertFound($"node '' (Neg) in graph 'else_branch' in node 'choice' (If) in graph 'main'", "is nothing that its graph, or one around it, defines");
    }

    [TestMethod]
    public void A_value_that_lost_its_weight_is_found()
    {
        Value weight = Graph.AddInitializer("w", Tensor.Scalar(2f));
        Graph.AddOutput(Graph.Add("Mul", x, weight));
        weight.Initializer = null;

        AssertFound("node '' (Mul) in graph 'main'", "its input 1, 'w'");
    }

    [TestMethod]
    public void A_branch_with_the_wrong_number_of_outputs_is_found()
    {
        Node choice = Choose();
        Graph.AddOutput(choice.Output);
        Graph branch = choice.GetGraph("then_branch")!;
        branch.AddOutput(branch.Add("Abs", x));

        AssertFound("node 'choice' (If) in graph 'main'", "then_branch has 0 inputs and 2 outputs; this If needs 0 and 1");
    }

    [TestMethod]
    public void A_missing_branch_is_found()
    {
        Node choice = Choose();
        Graph.AddOutput(choice.Output);
        choice.Unset("else_branch");

        AssertFound("node 'choice' (If) in graph 'main'", "no else_branch");
    }

    [TestMethod]
    public void A_loop_body_that_does_not_take_what_the_loop_carries_is_found()
    {
        Node loop = Graph.AddNode("Loop", [Graph.AddInitializer("count", Tensor.Scalar(3L)), null, x], name: "loop");
        Graph body = loop.AddGraph("body");
        body.AddInput("i", new TensorType(ElementType.Int64));
        Value going = body.AddInput("going", new TensorType(ElementType.Bool));
        body.AddOutput(body.Add("Identity", going));
        body.AddOutput(body.Add("Neg", x));
        Graph.AddOutput(loop.Output);

        AssertFound("node 'loop' (Loop) in graph 'main'", "body has 2 inputs and 2 outputs; this Loop needs 3 and 2");
    }

    [TestMethod]
    public void An_output_that_is_listed_twice_is_found()
    {
        Value y = Graph.Add("Neg", x);
        y.Name = "y";
        Graph.AddOutput(y);
        Graph.AddOutput(y);

        AssertFound("graph 'main'", "output 'y' is listed 2 times");
    }

    private Node Choose()
    {
        Node choice = Graph.AddNode("If", [Graph.AddInput("condition", new TensorType(ElementType.Bool))], name: "choice");
        foreach ((string name, string opType) in new[] { ("then_branch", "Relu"), ("else_branch", "Neg") })
        {
            Graph branch = choice.AddGraph(name);
            branch.AddOutput(branch.Add(opType, x));
        }

        return choice;
    }

    private void AssertFound(string place, string problem)
    {
        ModelFinding finding = model.Validate().Single();

        Assert.AreEqual(place, finding.Place);
        StringAssert.Contains(finding.Problem, problem);
    }
}
