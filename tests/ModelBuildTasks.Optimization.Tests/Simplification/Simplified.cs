using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>Builds a small graph, simplifies it, and holds the results of both against each other.</summary>
internal sealed class Simplified
{
    private static readonly Random Numbers = new(42);

    private Simplified(Model model, PassOutcome outcome)
    {
        Model = model;
        Outcome = outcome;
    }

    internal Model Model { get; }

    internal PassOutcome Outcome { get; }

    internal string[] Operators => [.. Model.Graph.TopologicalOrder().Select(node => node.OpType)];

    internal string Refusals => string.Join("\n", Outcome.Refusals);

    /// <summary>Simplifies a graph with input x; free dimensions are fed as 2.</summary>
    internal static Simplified From(Dimension[] shape, Func<Graph, Value, Value> build, long opset = 17)
    {
        Model model = Model.Create("g", opset, opset > 20 ? 11 : opset > 18 ? 9 : 8);
        model.Graph.AddOutput(build(model.Graph, model.Graph.AddInput("x", new TensorType(ElementType.Float, shape))));
        return Of(model, Random([.. shape.Select(dimension => dimension.Size ?? 2)]));
    }

    /// <summary>Simplifies a model, whose first output must stay the same on <paramref name="inputs"/>.</summary>
    internal static Simplified Of(Model model, params Tensor[] inputs)
    {
        Model before = model.Clone();
        Simplified result = new(model, new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu)));

        using ModelSession expected = ModelSession.Open(before, new SessionSettings(Optimize: false));
        using ModelSession actual = ModelSession.Open(model, new SessionSettings(Optimize: false));
        Assert.AreEqual(expected.Outputs[0].Name, actual.Outputs[0].Name);
        Assert.IsLessThanOrEqualTo(1e-5, RealModels.RelativeError(expected.Run(inputs)[0], actual.Run(inputs)[0]), string.Join(", ", result.Operators));
        return result;
    }

    /// <summary>What a graph computes from x as it is written, and what it does simplified.</summary>
    internal static (float[] Written, float[] Left) Results(Tensor x, Func<Graph, Value, Value> build)
    {
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(build(model.Graph, model.Graph.AddInput("x", new TensorType(ElementType.Float, [.. x.Dimensions.Select(size => (Dimension)size)]))));
        float[] written = Run(model, x);
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));
        Assert.HasCount(1, model.Graph.Nodes);
        return (written, Run(model, x));
    }

    private static float[] Run(Model model, Tensor x)
    {
        using ModelSession session = ModelSession.Open(model, new SessionSettings(Optimize: false));
        return session.Run([x])[0].ToSingles();
    }

    internal static Tensor Random(params long[] dimensions) =>
        Tensor.Create(dimensions, Enumerable.Range(0, (int)dimensions.Aggregate(1L, (a, b) => a * b)).Select(_ => Numbers.NextSingle() + 0.1f).ToArray());

    internal static Value Longs(Graph graph, params long[] values) => graph.AddInitializer("i", Tensor.Vector(values));

    internal static void AssertLeaves(string[] operators, Simplified result) => CollectionAssert.AreEqual(operators, result.Operators, string.Join(", ", result.Operators));

    internal static Value Weight(Graph graph, params long[] dimensions) => graph.AddInitializer("w", Random(dimensions));

    internal static Value Normalize(Graph graph, Value x, int channels) =>
        graph.Add("BatchNormalization", x, Weight(graph, channels), Weight(graph, channels), Weight(graph, channels), Weight(graph, channels));
}
