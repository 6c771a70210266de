using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>Which weights decay, and which of their zeros stay, as told by what reads them.</summary>
[TestClass]
public sealed class TrainingProblemTests
{
    private const float Decay = 0.1f;

    [TestMethod]
    public void Filters_and_matrices_decay_but_no_bias_and_no_normalization()
    {
        Model model = Build(graph =>
        {
            Value x = graph.Add("Conv", Input(graph, 1, 3, 4, 5), Weight(graph, "filter", 4, 3, 1, 1), Weight(graph, "filter_bias", 4));
            x = graph.Add("Add", x, Weight(graph, "bias", 4, 1, 1));
            x = graph.Add("PRelu", x, Weight(graph, "slope", 4, 1, 1));
            x = graph.AddNode("LayerNormalization", [x, Weight(graph, "scale", 4, 5), Weight(graph, "shift", 4, 5)]).Set("axis", -2).Output;
            x = graph.Add("Mul", graph.Add("MatMul", x, graph.Add("Transpose", Weight(graph, "turned", 6, 5))), Weight(graph, "factor", 1, 6));
            x = graph.AddNode("Einsum", [x, Weight(graph, "summed", 6, 2)]).Set("equation", "abcd,de->abce").Output;
            return graph.Add("Gemm", graph.Add("Flatten", x), Weight(graph, "matrix", 32, 2), Weight(graph, "row", 1, 2));
        });

        Assert.AreEqual("filter turned summed matrix", Decaying(model));
    }

    [TestMethod]
    public void Of_a_recurrent_layer_the_matrices_decay_but_not_the_biases() =>
        Assert.AreEqual("w r", Decaying(Recurrent(Weight)));

    [TestMethod]
    public void Embeddings_decay() =>
        Assert.AreEqual("table", Decaying(Build(graph => graph.Add("Gather", Weight(graph, "table", 5, 3), graph.AddInput("tokens", new TensorType(ElementType.Int64, 1, 4))))));

    [TestMethod]
    public void Zeros_of_a_bias_are_trained() =>
        Assert.IsNull(Parameters(Recurrent((graph, name, shape) => name == "b" ? Zeros(graph, name, shape) : Weight(graph, name, shape))).Single(parameter => parameter.Name == "b").Mask);

    [TestMethod]
    public void A_single_zero_of_a_matrix_stays()
    {
        bool[] mask = Parameters(Chain([0f, 1, 2, 3], [1f, 2, 3, 4]))[0].Mask!;

        CollectionAssert.AreEqual(new[] { false, true, true, true }, mask);
    }

    [TestMethod]
    public void A_layer_that_starts_at_zero_is_trained() =>
        Assert.IsNull(Parameters(Chain([0f, 0, 0, 0], [1f, 2, 3, 4]))[0].Mask);

    [TestMethod]
    public void A_layer_that_was_pruned_as_a_whole_stays_zero() =>
        CollectionAssert.AreEqual(new bool[4], Parameters(Chain([0f, 0, 0, 0], [0f, 2, 3, 4]))[0].Mask);

    [TestMethod]
    [DataRow("dtln_model_1.onnx", 5)]
    [DataRow("tract_byte_bidi_lstm.onnx", 6)]
    [DataRow("mnist8_cntk.onnx", 3)]
    [DataRow("magika_standard_v3_3.onnx", 3)]
    public void Real_models_are_trained_in_all_of_their_weights(string name, int decaying)
    {
        Model model = Model.Load(RealModels.Require(name));
        TrainableWeights.Hoist(model);

        IReadOnlyList<Parameter> parameters = Parameters(model);

        Assert.AreEqual(decaying, parameters.Count(parameter => parameter.Decay > 0), Decaying(model));
        Assert.IsEmpty(parameters.Where(parameter => parameter.Mask is not null).Select(parameter => parameter.Name));
    }

    private static string Decaying(Model model) => string.Join(" ", Parameters(model).Where(parameter => parameter.Decay == Decay).Select(parameter => parameter.Name));

    private static IReadOnlyList<Parameter> Parameters(Model model) => TrainingProblem.ParametersOf(model, Decay);

    private static Model Recurrent(Func<Graph, string, long[], Value> weight) =>
        Build(graph => graph.AddNode("LSTM", [Input(graph, 4, 1, 3), weight(graph, "w", [1, 8, 3]), weight(graph, "r", [1, 8, 2]), weight(graph, "b", [1, 16])]).Set("hidden_size", 2).Output);

    /// <summary>Two products by 2 × 2 matrices.</summary>
    private static Model Chain(float[] first, float[] second) =>
        Build(graph => graph.Add("MatMul", graph.Add("MatMul", Input(graph, 1, 2), graph.AddInitializer("first", Tensor.Create([2, 2], first))), graph.AddInitializer("second", Tensor.Create([2, 2], second))));

    private static Model Build(Func<Graph, Value> build)
    {
        Model model = Model.Create("model", opset: 17, irVersion: 8);
        model.Graph.AddOutput(build(model.Graph));
        return model;
    }

    private static Value Input(Graph graph, params long[] shape) => graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(Dimension.FromInt64)]));

    private static Value Weight(Graph graph, string name, params long[] shape) => graph.AddInitializer(name, RandomShapes.Between(shape, seed: 1, -1, 1));

    private static Value Zeros(Graph graph, string name, long[] shape) => graph.AddInitializer(name, Tensor.Create(shape, new float[shape.Aggregate(1L, (product, size) => product * size)]));
}
