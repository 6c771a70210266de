using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Structured;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

/// <summary>Builds small graphs of layers with random weights.</summary>
internal sealed class CoupledGraph
{
    private readonly Random random = new(5);

    private CoupledGraph(long opset) => Model = Model.Create("g", opset, 8);

    internal Model Model { get; }

    internal Graph Graph => Model.Graph;

    internal static CoupledGraph From(long[] shape, Func<CoupledGraph, Value, Value> build, long opset = 17)
    {
        CoupledGraph graph = new(opset);
        graph.Graph.AddOutput(build(graph, graph.Graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]))));
        return graph;
    }

    internal Value Weight(params long[] dimensions) => Graph.AddInitializer("w", Numbers(dimensions));

    internal Value Longs(params long[] numbers) => Graph.AddInitializer("i", Tensor.Vector(numbers));

    internal Value Add(string operation, params Value?[] inputs) => Graph.AddNode(operation, inputs).Output;

    internal Value Conv(Value x, long inputs, long outputs, long kernel = 1, long groups = 1, string? name = null)
    {
        Node conv = Graph.AddNode("Conv", [x, Weight(outputs, inputs / groups, kernel, kernel), Weight(outputs)], name: name).Set("group", groups);
        return conv.Set("pads", [kernel / 2, kernel / 2, kernel / 2, kernel / 2]).Output;
    }

    internal Value Product(Value x, long inputs, long outputs) => Add("MatMul", x, Weight(inputs, outputs));

    internal DependencyGraph Couple() => DependencyGraph.Of(Model);

    /// <summary>The number of classes that may go; several draws of them must be exact.</summary>
    internal int Removable()
    {
        DependencyGraph graph = Couple();
        for (int seed = 0; seed < 4; seed++)
        {
            DependencyGraph drawn = DependencyGraph.Of(Model.Clone());
            MaskedChannels.AssertExact(drawn, MaskedChannels.Draw(drawn, 0.5, seed), Inputs);
        }

        return MaskedChannels.Removable(graph).Length;
    }

    internal IReadOnlyList<Tensor> Inputs(ModelSession session) => [.. session.Inputs.Select(input => Numbers([.. input.Shape.Select(size => size.Size!.Value)]))];

    internal Tensor Numbers(params long[] dimensions) =>
        Tensor.Create(dimensions, Enumerable.Range(0, (int)dimensions.Aggregate(1L, (product, size) => product * size)).Select(_ => random.NextSingle() - 0.4f).ToArray());
}
