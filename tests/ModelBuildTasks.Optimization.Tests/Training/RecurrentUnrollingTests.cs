using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>Differences are those of the runtime's own LSTM, GRU and RNN; the gradient is that of the unrolled steps.</summary>
[TestClass]
public sealed class RecurrentUnrollingTests
{
    private const int Steps = 4, Batch = 2, Inputs = 3, Hidden = 2;

    [TestMethod]
    [DataRow("LSTM", "forward", 0)]
    [DataRow("LSTM", "reverse", 0)]
    [DataRow("LSTM", "bidirectional", 0)]
    [DataRow("GRU", "forward", 0)]
    [DataRow("GRU", "forward", 1)]
    [DataRow("GRU", "bidirectional", 1)]
    [DataRow("RNN", "forward", 0)]
    [DataRow("RNN", "bidirectional", 0)]
    public void Matches_differences_of_sequence_and_last_state(string opType, string direction, int linearBeforeReset)
    {
        for (int output = 0; output < 2; output++)
        {
            GradientCheck.Verify((graph, v) => Layer(graph, [.. v], opType, direction, linearBeforeReset).Outputs[output], Operands(opType, direction));
        }
    }

    [TestMethod]
    public void Matches_differences_of_initial_states_and_the_last_cell()
    {
        long[] state = [1, Batch, Hidden];
        GradientCheck.Verify(
            (graph, v) =>
            {
                Node node = Layer(graph, [v[0], v[1], v[2], v[3], null, v[4], v[5]], "LSTM", "forward", 0);
                return graph.Add("Add", node.Outputs[1], node.Outputs[2]);
            },
            [.. Operands("LSTM", "forward"), Draw(state, 9), Draw(state, 10)]);
    }

    [TestMethod]
    [DataRow("LSTM")]
    [DataRow("GRU")]
    public void Matches_differences_without_biases(string opType) =>
        GradientCheck.Verify((graph, v) => Layer(graph, [.. v], opType, "forward", 0).Output, Operands(opType, "forward")[..3]);

    [TestMethod]
    public void Matches_differences_of_a_single_step() =>
        GradientCheck.Verify((graph, v) => Layer(graph, [.. v], "LSTM", "forward", 0).Output, [Draw([1, Batch, Inputs], 1), .. Operands("LSTM", "forward")[1..]]);

    [TestMethod]
    [DataRow("LSTM")]
    [DataRow("GRU")]
    public void Takes_sequences_that_all_have_the_full_length_for_those_without_lengths(string opType) =>
        GradientCheck.Verify((graph, v) => Layer(graph, [.. v, Lengths(graph, Steps)], opType, "bidirectional", 0).Output, Operands(opType, "bidirectional"));

    [TestMethod]
    public void Refuses_sequences_of_different_lengths()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() =>
            GradientCheck.Verify((graph, v) => Layer(graph, [.. v, Lengths(graph, Steps - 1)], "LSTM", "forward", 0).Output, Operands("LSTM", "forward")));
        Assert.Contains("different lengths", exception.Message);
    }

    [TestMethod]
    public void Refuses_what_is_not_unrolled()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() =>
            GradientCheck.Verify((graph, v) => Layer(graph, [.. v], "RNN", "forward", 0).Set("clip", 3f).Output, Operands("RNN", "forward")));
        StringAssert.Contains(exception.Message, "clipping", StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow("LSTM", "forward", "Sigmoid Tanh Tanh")]
    [DataRow("LSTM", "bidirectional", "sigmoid tanh tanh SIGMOID TANH TANH")]
    public void Matches_differences_with_stated_activations(string opType, string direction, string activations) =>
        GradientCheck.Verify((graph, v) => Layer(graph, [.. v], opType, direction, 0).Set("activations", activations.Split(' ')).Output, Operands(opType, direction));

    [TestMethod]
    [DataRow("LSTM", "forward", "HardSigmoid Softsign Elu")]
    [DataRow("LSTM", "bidirectional", "Sigmoid Tanh Tanh HardSigmoid Softsign Softplus")]
    [DataRow("GRU", "reverse", "hardsigmoid LeakyRelu")]
    [DataRow("GRU", "bidirectional", "Sigmoid Softsign HardSigmoid Tanh")]
    [DataRow("RNN", "forward", "Relu")]
    public void The_steps_give_what_the_operator_gives(string opType, string direction, string activations) =>
        VerifySteps(opType, direction, layer => layer.Set("activations", activations.Split(' ')));

    [TestMethod]
    public void Gives_stated_numbers_to_the_activations_that_have_such_in_order() =>
        VerifySteps("LSTM", "forward", layer => layer.Set("activations", ["HardSigmoid", "Tanh", "Elu"]).Set("activation_alpha", [0.3f, 0.5f]).Set("activation_beta", [0.4f]));

    [TestMethod]
    public void Refuses_an_activation_that_is_no_operator_by_its_name() =>
        StringAssert.Contains(Refusal("RNN", ["ScaledTanh"]), "'ScaledTanh' is not covered", StringComparison.Ordinal);

    [TestMethod]
    public void Refuses_too_few_activations() =>
        StringAssert.Contains(Refusal("GRU", ["Sigmoid"]), "1 activations where it has 2", StringComparison.Ordinal);

    private static void VerifySteps(string opType, string direction, Func<Node, Node> state)
    {
        Model model = Model.Create("layer", opset: 17, irVersion: 8);
        Value[] operands = [.. Operands(opType, direction).Select((operand, i) => model.Graph.AddInitializer($"operand{i}", operand))];
        Value result = state(Layer(model.Graph, operands, opType, direction, 0)).Output;
        model.Graph.AddOutput(result);
        using ModelSession layer = ModelSession.Open(model);
        RecurrentUnrolling.Unroll(result.Producer!, ShapeProbe.Run(model, result, []));
        using ModelSession steps = ModelSession.Open(model);
        Assert.IsLessThan(1e-5, RealModels.RelativeError(layer.Run([])[0], steps.Run([])[0]));
    }

    private static string Refusal(string opType, string[] activations)
    {
        Model model = Model.Create("refused", opset: 17, irVersion: 8);
        Value[] operands = [.. Operands(opType, "forward").Select((operand, i) => model.Graph.AddInitializer($"operand{i}", operand))];
        return RecurrentUnrolling.Obstacle(Layer(model.Graph, operands, opType, "forward", 0).Set("activations", activations), [Steps, Batch, Inputs])!;
    }

    private static Node Layer(Graph graph, Value?[] inputs, string opType, string direction, int linearBeforeReset)
    {
        Node node = graph.AddNode(opType, inputs, opType == "LSTM" ? 3 : 2).Set("hidden_size", Hidden).Set("direction", direction);
        return linearBeforeReset == 0 ? node : node.Set("linear_before_reset", linearBeforeReset);
    }

    /// <summary>The first sequence is as long as all steps, the other has a length of its own.</summary>
    private static Value Lengths(Graph graph, int second) => graph.AddInitializer("lengths", Tensor.Vector(Steps, second));

    private static Tensor[] Operands(string opType, string direction)
    {
        long gates = opType switch { "LSTM" => 4, "GRU" => 3, _ => 1 }, directions = direction == "bidirectional" ? 2 : 1;
        return
        [
            Draw([Steps, Batch, Inputs], 1), Draw([directions, gates * Hidden, Inputs], 2), Draw([directions, gates * Hidden, Hidden], 3),
            Draw([directions, 2 * gates * Hidden], 4),
        ];
    }

    private static Tensor Draw(long[] shape, int seed) => RandomShapes.Between(shape, seed, -1, 1);
}
