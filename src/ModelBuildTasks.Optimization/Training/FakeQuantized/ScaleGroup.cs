using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Gradients;

namespace ModelBuildTasks.Optimization.Training.FakeQuantized;

/// <summary>
/// Conversions whose scales must stay equal, so that one parameter stands for all of them: those of integers that operators only move or join, those that read one stored
/// scale, and those on both sides of a float operator that only moves elements, which ONNX Runtime then runs on the integers.
/// </summary>
/// <param name="Scales">The stored scales; the first has as many numbers as <paramref name="Numbers"/>.</param>
/// <param name="Conversions">Every QuantizeLinear and DequantizeLinear that reads one of them.</param>
/// <param name="Numbers">One number for all, or one for each channel.</param>
internal sealed record ScaleGroup(IReadOnlyList<Value> Scales, IReadOnlyList<Node> Conversions, float[] Numbers)
{
    /// <summary>The name of the parameter: that of the first scale.</summary>
    internal string Name => Scales[0].Name;

    /// <summary>Whether it has a stored scale of that name.</summary>
    internal bool Holds(string scale) => Scales.Any(value => value.Name == scale);

    /// <summary>Makes all conversions read the first scale, repeated for each channel where they did so before.</summary>
    internal void Unite(Graph graph)
    {
        Value parameter = graph.Find(Name)!;
        foreach (Value scale in Scales.Skip(1).Select(scale => graph.Find(scale.Name)!))
        {
            scale.ReplaceWith(scale.Initializer!.Length == Numbers.Length
                ? parameter
                : graph.Add("Expand", parameter, graph.AddInitializer(scale.Name + "_count", Tensor.Vector(scale.Initializer.Length))));
        }
    }

    /// <summary>Stores new numbers in the place of all scales.</summary>
    internal void Store(Graph graph, float[] numbers)
    {
        foreach (Value scale in Scales.Select(scale => graph.Find(scale.Name)!))
        {
            Tensor before = scale.Initializer!;
            scale.Initializer = Tensor.Create([.. before.Dimensions], before.Length == numbers.Length ? numbers.ToArray() : Enumerable.Repeat(numbers[0], (int)before.Length).ToArray());
        }
    }

    /// <summary>The groups of a graph. Scales that are computed, stored with different numbers or read by anything else are in none: they stay as they are.</summary>
    internal static IReadOnlyList<ScaleGroup> In(Graph graph)
    {
        Node[] conversions = [.. graph.TopologicalOrder().Where(node => IsConversion(node) && !IsBias(node))];
        Dictionary<Value, Value> parents = [];
        foreach (Node conversion in conversions)
        {
            Join(parents, conversion.Input(1)!, conversion.OpType == "QuantizeLinear" ? conversion.Output : conversion.Input(0)!);
            if (conversion.OpType == "QuantizeLinear" && MovedFrom(conversion) is { } before)
            {
                Join(parents, conversion.Input(1)!, before.Input(1)!);
            }
        }

        foreach (Node mover in graph.Nodes.Where(CodePath.IsMover))
        {
            foreach (Value moved in CodePath.Moved(mover).Where(moved => CodePath.Sources(moved) is { Count: > 0 }))
            {
                foreach (Value output in mover.Outputs)
                {
                    Join(parents, moved, output);
                }
            }
        }

        return [.. conversions.GroupBy(conversion => Root(parents, conversion.Input(1)!)).Select(Of).OfType<ScaleGroup>()];
    }

    internal static bool IsConversion(Node node) => node is { OpType: "QuantizeLinear" or "DequantizeLinear", Domain: "" };

    /// <summary>Whether a node dequantizes int32: the unit of a bias is made of two other scales.</summary>
    internal static bool IsBias(Node node) => node is { OpType: "DequantizeLinear", Domain: "" } && node.Input(0)?.Constant?.ElementType == ElementType.Int32;

    private static ScaleGroup? Of(IEnumerable<Node> group)
    {
        Node[] conversions = [.. group];
        Value[] scales = [.. conversions.Select(conversion => conversion.Input(1)!).Distinct()];
        if (scales.Any(scale => scale is not { IsOutput: false, Constant.ElementType: ElementType.Float, Initializer: not null } || scale.Uses.Any(use => use.Index != 1 || !conversions.Contains(use.Node)))
            || conversions.Any(conversion => conversion.GetInt("block_size", 0) != 0))
        {
            return null;
        }

        float[][] numbers = [.. scales.Select(scale => scale.Initializer!.ToSingles())];
        if (numbers.Select(some => some.Length).Distinct().Count() > 1)
        {
            // Where floats read a tensor's integers, its one scale may be repeated for each channel.
            numbers = [.. numbers.Select(some => some.AsSpan().ContainsAnyExcept(some[0]) ? some : [some[0]])];
        }

        return Array.TrueForAll(numbers, other => other.AsSpan().SequenceEqual(numbers[0])) && Array.TrueForAll(numbers[0], number => float.IsNormal(number) && number > 0)
            ? new ScaleGroup([.. scales.OrderBy(scale => scale.Initializer!.Length != numbers[0].Length)], conversions, numbers[0])
            : null;
    }

    /// <summary>The DequantizeLinear of the same scale and zero point behind what a QuantizeLinear reads, with nothing but movers between.</summary>
    private static Node? MovedFrom(Node quantize)
    {
        Value value = quantize.Input(0)!;
        int moves = 0;
        while (value.Producer is { } producer && CodePath.IsMover(producer) && producer.OpType != "Concat")
        {
            value = producer.Input(0)!;
            moves++;
        }

        return moves > 0 && value.Producer is { OpType: "DequantizeLinear", Domain: "" } before && CodePath.IsSameScale(before.Input(1)!, quantize.Input(1)!)
            && before.Input(2)?.Constant?.Data.Span.SequenceEqual(quantize.Input(2)?.Constant is { } zero ? zero.Data.Span : []) == true
            ? before : null;
    }

    private static void Join(Dictionary<Value, Value> parents, Value first, Value second)
    {
        (first, second) = (Root(parents, first), Root(parents, second));
        if (first != second)
        {
            parents[second] = first;
        }
    }

    private static Value Root(Dictionary<Value, Value> parents, Value value)
    {
        while (parents.TryGetValue(value, out Value? parent))
        {
            value = parent;
        }

        return value;
    }
}
