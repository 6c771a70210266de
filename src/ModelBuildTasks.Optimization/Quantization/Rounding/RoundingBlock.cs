using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// A part of a graph with one way in and one way out, whose layers are rounded together: from where a residual network forks to where its branches join, else a single layer with what follows it up to the next integers.
/// </summary>
/// <param name="Entry">The only computed value of outside that its nodes read.</param>
/// <param name="Exit">The only value that outside reads.</param>
/// <param name="Nodes">In topological order.</param>
/// <param name="Layers">Those that compute in integers. At least one.</param>
/// <remarks>Li et al., "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction", ICLR 2021, § 3.2.</remarks>
internal sealed record RoundingBlock(Value Entry, Value Exit, IReadOnlyList<Node> Nodes, IReadOnlyList<Layer> Layers)
{
    /// <summary>Larger blocks are told too little of each layer by the few samples there are; a bottleneck with a projection has four layers.</summary>
    private const int MostLayers = 6;

    private const int MostNodes = 48;

    /// <summary>What a block's name in reports is made of.</summary>
    public override string ToString() => Layers.Count == 1 ? Simplification.LinearLayer.Describe(Layers[0].Node)
        : $"the block from {Simplification.LinearLayer.Describe(Layers[0].Node)} to '{Exit.Name}'";

    /// <summary>The blocks of a choice, each layer in one, in the order in which the model computes them.</summary>
    internal static IReadOnlyList<RoundingBlock> Find(QuantizationCandidates candidates, NodeSelection selection)
    {
        List<RoundingBlock> blocks = [];
        HashSet<Node> taken = [];
        foreach (Node node in candidates.Order.Where(selection.Layers.ContainsKey))
        {
            if (taken.Contains(node))
            {
                continue;
            }

            RoundingBlock block = Branches(node, candidates, selection) is { } found && !found.Nodes.Any(taken.Contains) ? found : Single(node, selection);
            taken.UnionWith(block.Nodes);
            blocks.Add(block);
        }

        return blocks;
    }

    private static RoundingBlock Single(Node layer, NodeSelection selection)
    {
        List<Node> nodes = [layer];
        Value exit = Follow(layer.Output, nodes, selection);
        return new RoundingBlock(layer.Input(0)!, exit, nodes, [selection.Layers[layer]]);
    }

    /// <summary>What lies between a value that several nodes read, <paramref name="first"/> among them, and the value in which all of it comes together again; null where it is too large or other values reach into it.</summary>
    private static RoundingBlock? Branches(Node first, QuantizationCandidates candidates, NodeSelection selection)
    {
        Value entry = first.Input(0)!;
        if (entry.Uses.Select(use => use.Node).Distinct().Count() < 2)
        {
            return null;
        }

        List<Node> nodes = [];
        HashSet<Node> inside = [];
        HashSet<Value> computed = [entry];
        foreach (Node node in candidates.Order)
        {
            Value[] read = [.. Dependence.Reads(node).Where(value => value.Constant is null)];
            if (!read.Any(computed.Contains))
            {
                continue;
            }

            if (!read.All(computed.Contains) || node.Subgraphs.Any() || nodes.Count == MostNodes)
            {
                return null;
            }

            nodes.Add(node);
            inside.Add(node);
            computed.UnionWith(node.Outputs);
            if (nodes.Count(selection.Layers.ContainsKey) > MostLayers)
            {
                return null;
            }

            Value[] open = [.. computed.Where(value => (value.IsOutput && value != entry) || value.Uses.Any(use => !inside.Contains(use.Node)))];
            if (open is [var exit] && exit == node.Output)
            {
                exit = Follow(exit, nodes, selection);
                Layer[] layers = [.. nodes.Where(selection.Layers.ContainsKey).Select(layer => selection.Layers[layer])];
                return layers.Length > 1 ? new RoundingBlock(entry, exit, nodes, layers) : null;
            }
        }

        return null;
    }

    /// <summary>Goes on through what alone reads a value, element by element, as far as the next integers.</summary>
    private static Value Follow(Value exit, List<Node> nodes, NodeSelection selection)
    {
        while (exit is { IsOutput: false, Uses: [{ Node: { Outputs.Count: 1 } reader } use] } && !selection.IsInteger(exit) && !selection.IsChosenUse(use)
            && reader is { Domain: "", OpType: "Relu" or "Clip" or "Add" or "Sub" or "Mul" or "Div" or "LeakyRelu" or "PRelu" or "HardSwish" or "HardSigmoid" or "Sigmoid" or "Tanh" or "Elu" or "Gelu" }
            && reader.Graph == exit.Graph && reader.Inputs.OfType<Value>().All(input => input == exit || input.Constant is not null))
        {
            nodes.Add(reader);
            exit = reader.Output;
        }

        return exit;
    }
}
