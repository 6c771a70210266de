using Microsoft.VisualStudio.TestTools.UnitTesting;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class PatternTests
{
    private static readonly Pattern Swish = Op("Mul", Any("x"), Op("Sigmoid", Any("x")));

    private readonly Model model = Model.Create("test", opset: 17, irVersion: 8);
    private readonly Value x;
    private readonly Value y;

    public PatternTests()
    {
        x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3));
        y = model.Graph.AddInput("y", new TensorType(ElementType.Float, 2, 3));
    }

    [TestMethod]
    public void A_name_that_occurs_twice_stands_for_one_value()
    {
        Value swish = Graph.Add("Mul", x, Graph.Add("Sigmoid", x));
        Value other = Graph.Add("Mul", y, Graph.Add("Sigmoid", x));

        Assert.AreEqual(x, Swish.Match(swish.Producer!)?["x"]);
        Assert.IsNull(Swish.Match(other.Producer!));
    }

    [TestMethod]
    public void Inputs_of_a_commutative_operator_may_stand_either_way_round()
    {
        Value swish = Graph.Add("Mul", Graph.Add("Sigmoid", x), x);

        Assert.IsNotNull(Swish.Match(swish.Producer!));
    }

    [TestMethod]
    public void An_early_choice_of_sides_is_taken_back_when_a_later_name_contradicts_it()
    {
        // Sub(a, b) is known only after Add(a, b) was matched one way.
        Pattern pattern = Op("Mul", Op("Add", Any("a"), Any("b")), Op("Sub", Any("a"), Any("b")));
        Value product = Graph.Add("Mul", Graph.Add("Add", x, y), Graph.Add("Sub", y, x));

        PatternMatch? match = pattern.Match(product.Producer!);

        Assert.AreEqual(y, match?["a"]);
        Assert.AreEqual(x, match?["b"]);
    }

    [TestMethod]
    public void Inputs_of_other_operators_keep_their_order()
    {
        Pattern pattern = Op("Sub", Any("a"), Op("Relu", Any("b")));

        Assert.IsNull(pattern.Match(Graph.Add("Sub", Graph.Add("Relu", x), y).Producer!));
    }

    [TestMethod]
    public void A_constant_is_found_by_its_value_to_the_accuracy_of_its_type()
    {
        Pattern half = Op("Mul", Any("x"), Constant(Math.Sqrt(0.5)));

        Assert.IsNotNull(half.Match(Scaled(Tensor.Scalar(0.70710677f))));
        Assert.IsNotNull(half.Match(Scaled(Tensor.Vector(0.7071068f))));
        Assert.IsNotNull(half.Match(Scaled(Tensor.Scalar((Half)0.70710677f))));
        Assert.IsNull(half.Match(Scaled(Tensor.Scalar(0.7072f))));
        Assert.IsNull(half.Match(Scaled(Tensor.Vector(0.70710677f, 0.70710677f))));
        Assert.IsNull(half.Match(Graph.Add("Mul", x, y).Producer!));
    }

    [TestMethod]
    public void A_decomposed_layer_normalization_is_found_with_all_its_parts()
    {
        Value centered = Graph.Add("Sub", x, Graph.Add("ReduceMean", x));
        Value variance = Graph.Add("ReduceMean", Graph.Add("Pow", centered, Graph.AddInitializer("two", Tensor.Scalar(2f))));
        Value deviation = Graph.Add("Sqrt", Graph.Add("Add", variance, Graph.AddInitializer("epsilon", Tensor.Scalar(1e-5f))));
        Value normal = Graph.Add("Div", centered, deviation);
        Value scaled = Graph.Add("Mul", Graph.AddInitializer("gamma", Tensor.Vector(1f, 2f, 3f)), normal);
        Value shifted = Graph.Add("Add", scaled, Graph.AddInitializer("beta", Tensor.Vector(0f, 1f, 2f)));
        Pattern difference = Op("Sub", Any("x"), Op("ReduceMean", Any("x"))).Named("d");
        Pattern square = Either(Op("Pow", Any("d"), Constant(2)), Op("Mul", Any("d"), Any("d")));
        Pattern layer = Op("Add", Op("Mul", Op("Div", difference, Op("Sqrt", Op("Add", Op("ReduceMean", square), Constant("epsilon")))), Constant("scale")), Constant("bias"));

        PatternMatch? match = layer.Match(shifted.Producer!);

        Assert.IsNotNull(match);
        Assert.AreEqual("epsilon, gamma, beta", string.Join(", ", match["epsilon"].Name, match["scale"].Name, match["bias"].Name));
        Assert.HasCount(9, match.Nodes);
        Assert.IsNull(match.ReadOutside);
    }

    [TestMethod]
    public void A_result_inside_that_something_else_reads_is_told()
    {
        Value sigmoid = Graph.Add("Sigmoid", x);
        Value swish = Graph.Add("Mul", x, sigmoid);
        Graph.Add("Relu", sigmoid);

        Assert.AreEqual(sigmoid, Swish.Match(swish.Producer!)?.ReadOutside);
    }

    [TestMethod]
    public void Replacing_a_match_leaves_no_node_of_it_but_what_others_read()
    {
        Value sigmoid = Graph.Add("Sigmoid", x);
        Value swish = Graph.Add("Mul", x, sigmoid);
        Value result = Graph.Add("Relu", swish);
        Value aside = Graph.Add("Neg", sigmoid);
        Graph.AddOutput(result);
        Graph.AddOutput(aside);

        Swish.Match(swish.Producer!)!.ReplaceWith(Graph.Add("HardSwish", x));

        Assert.AreEqual("HardSwish", result.Producer!.Input(0)!.Producer!.OpType);
        Assert.AreEqual("Sigmoid Relu Neg HardSwish", string.Join(' ', Graph.Nodes.Select(node => node.OpType)));
    }

    [TestMethod]
    public void Replacing_a_match_removes_a_node_that_two_of_its_nodes_read()
    {
        Pattern pattern = Op("Sub", Op("Exp", Any("x")).Named("e"), Op("Neg", Any("e")));
        Value exponential = Graph.Add("Exp", x);
        Value difference = Graph.Add("Sub", exponential, Graph.Add("Neg", exponential));
        Graph.AddOutput(difference);

        pattern.Match(difference.Producer!)!.ReplaceWith(Graph.Add("Softplus", x));

        Assert.HasCount(1, Graph.Nodes);
    }

    [TestMethod]
    public void A_condition_on_a_node_is_asked()
    {
        Pattern sum = Op("ReduceMean", Any("x")).Where(node => node.GetInt("keepdims", 1) == 0);
        Node kept = Graph.AddNode("ReduceMean", [x]);
        Node dropped = Graph.AddNode("ReduceMean", [x]).Set("keepdims", 0L);

        Assert.IsNull(sum.Match(kept));
        Assert.IsNotNull(sum.Match(dropped));
    }

    [TestMethod]
    public void An_input_that_the_pattern_does_not_state_hinders_it_and_an_optional_one_does_not()
    {
        Node axes = Graph.AddNode("ReduceMean", [x, Graph.AddInitializer("axes", Tensor.Vector(1L))]);
        Node all = Graph.AddNode("ReduceMean", [x]);
        Pattern either = Op("ReduceMean", Any("x"), Optional("axes"));

        Assert.IsNull(Op("ReduceMean", Any("x")).Match(axes));
        Assert.AreEqual("axes", either.Match(axes)?["axes"].Name);
        Assert.IsNull(either.Match(all)!.Find("axes"));
    }

    [TestMethod]
    public void An_operator_of_another_domain_is_not_the_standard_one()
    {
        Value foreign = Graph.AddNode("Sigmoid", [x], domain: "com.example").Output;

        Assert.IsNull(Swish.Match(Graph.Add("Mul", x, foreign).Producer!));
    }

    private Graph Graph => model.Graph;

    private Node Scaled(Tensor factor) => Graph.Add("Mul", x, Graph.AddInitializer("factor", factor)).Producer!;
}
