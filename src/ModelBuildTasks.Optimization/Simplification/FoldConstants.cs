using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// op(constants) → constant, for whole regions at once. ONNX Runtime computes the values, so a folded value is what the node
/// would have produced. A value is folded when it takes no more bytes than the nodes and weights that vanish with it: folding
/// must not grow the file (an Expand of a scalar, a weight that two transposes share). Small values may draw on the
/// <see cref="GrowthBudget"/>.
/// </summary>
/// <remarks>
/// Never folded: random operators; nodes that hold graphs; QuantizeLinear and DequantizeLinear, whose pairs tell the runtime which
/// kernels to take; results that the graph itself hands out.
/// </remarks>
internal static class FoldConstants
{
    /// <summary>Bytes of the largest value that may draw on the budget: shapes, axes and scales, from which other rules learn.</summary>
    private const long SmallValue = 1024;

    /// <summary>Bytes that all values of one round may take while they are computed.</summary>
    private const long LargestIntermediate = 256L << 20;

    private static readonly HashSet<string> Random = new(StringComparer.Ordinal)
    {
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout",
    };

    /// <summary>Operators that make much out of little; they are computed only when the size is known beforehand.</summary>
    private static readonly HashSet<string> Generators = new(StringComparer.Ordinal)
    {
        "ConstantOfShape", "Expand", "Tile", "Range", "Resize", "Upsample", "Pad", "OneHot", "CenterCropPad", "EyeLike",
    };

    internal static bool IsRandom(Node node) => Random.Contains(node.OpType);

    /// <summary>Folds in one graph and returns how many nodes vanished.</summary>
    /// <param name="refusals">Gets a reason for each value that was left.</param>
    internal static int Apply(Graph graph, RuleContext context, ICollection<string> refusals)
    {
        List<Node> region = [];
        HashSet<Value> computed = [];
        long bytes = 0;
        foreach (Node node in graph.TopologicalOrder())
        {
            // What does not fit this round may fit the next, when the values of this one are folded.
            long size = node.Outputs.Sum(output => Math.Min(BytesOf(output, context) ?? 0, LargestIntermediate + 1));
            if (bytes + size <= LargestIntermediate && CanCompute(node, context) && node.Inputs.All(input => input is null || computed.Contains(input) || IsFeedable(input.Constant)))
            {
                region.Add(node);
                computed.UnionWith(node.Outputs);
                bytes += size;
            }
        }

        if (region.Count == 0)
        {
            return 0;
        }

        Dictionary<Value, Tensor> results = [];
        Compute(region, results, refusals);

        HashSet<Node> known = [.. region];
        HashSet<Node> left = [.. region];
        int before = graph.Nodes.Count;

        // Backwards: what a node that stays reads is folded at that place instead.
        for (int i = region.Count - 1; i >= 0; i--)
        {
            Node node = region[i];
            Value[] read = [.. node.Outputs.Where(output => output.IsOutput || output.Uses.Any(use => !left.Contains(use.Node)))];
            if (read.Length == 0)
            {
                continue;
            }

            if (!MayFold(node, read, known, left, results, context.Growth, refusals))
            {
                left.Remove(node);
                continue;
            }

            foreach (Value output in read)
            {
                string name = output.Name;
                Value folded = graph.AddInitializer(name, results[output]);
                foreach (Use use in output.Uses.Where(use => !left.Contains(use.Node)).ToArray())
                {
                    use.Node.SetInput(use.Index, folded);
                }
            }
        }

        graph.RemoveUnused();
        return before - graph.Nodes.Count;
    }

    private static bool CanCompute(Node node, RuleContext context) =>
        node.Domain.Length == 0
        && !IsRandom(node)
        && node.OpType is not ("Constant" or "QuantizeLinear" or "DequantizeLinear")
        && !node.Subgraphs.Any()
        && !(node.OpType == "Cast" && node.GetInt("to", 0) == (long)ElementType.String)
        && node.Outputs.All(output => BytesOf(output, context) is { } bytes ? bytes <= LargestIntermediate : !Generators.Contains(node.OpType));

    private static long? BytesOf(Value value, RuleContext context) =>
        context.StaticShapeOf(value) is { } shape
            ? (long)Math.Min(shape.Aggregate(1.0, (product, size) => product * size) * context.TypeOf(value)!.ElementType.BitsPerElement() / 8, long.MaxValue)
            : null;

    private static bool IsFeedable(Tensor? constant) => constant is not null && constant.ElementType.BitsPerElement() > 0;

    private static bool MayFold(Node node, Value[] read, HashSet<Node> region, HashSet<Node> left, Dictionary<Value, Tensor> results, GrowthBudget growth, ICollection<string> refusals)
    {
        if (!read.All(value => !value.IsOutput && results.ContainsKey(value)))
        {
            return false;
        }

        long size = read.Sum(value => (long)results[value].StoredBytesAs(value.Name));
        long vanishing = VanishingBytes(node, region, left);
        if (size <= vanishing || (size <= SmallValue && growth.TrySpend(size - vanishing)))
        {
            return true;
        }

        refusals.Add($"constant folding: '{read[0].Name}' would take {size} bytes, more than what it is computed from and nothing else reads ({vanishing}), and than what was saved elsewhere.");
        return false;
    }

    /// <summary>Bytes of the nodes and weights that only serve to compute <paramref name="folded"/>.</summary>
    private static long VanishingBytes(Node folded, HashSet<Node> region, HashSet<Node> left)
    {
        if (folded.Outputs.Any(output => output.Uses.Any(use => left.Contains(use.Node))))
        {
            return 0;
        }

        HashSet<Node> vanishing = [];
        Stack<Node> candidates = new([folded]);
        while (candidates.TryPop(out Node? candidate))
        {
            // One that another node still reads comes up again with that.
            bool isNeeded = candidate != folded && candidate.Outputs.Any(output => output.IsOutput || output.Uses.Any(use => !vanishing.Contains(use.Node)));
            if (!isNeeded && vanishing.Add(candidate))
            {
                foreach (Node producer in candidate.Inputs.Select(input => input?.Producer).OfType<Node>().Where(region.Contains))
                {
                    candidates.Push(producer);
                }
            }
        }

        return vanishing.Sum(node => (long)node.StoredBytes) + vanishing
            .SelectMany(node => node.Inputs.OfType<Value>())
            .Where(input => input is { Initializer: not null, IsOutput: false } && input.Uses.All(use => vanishing.Contains(use.Node)))
            .Distinct()
            .Sum(weight => (long)weight.Initializer!.StoredBytesAs(weight.Name));
    }

    /// <summary>Computes a region in one session; when the runtime cannot, its halves, down to the node that it cannot run.</summary>
    private static void Compute(List<Node> region, Dictionary<Value, Tensor> results, ICollection<string> refusals)
    {
        try
        {
            Run(region, results);
        }
        catch (InferenceException exception)
        {
            if (region.Count == 1)
            {
                refusals.Add($"constant folding: {region[0]}: {exception.Message}");
                return;
            }

            int half = region.Count / 2;
            Compute([.. region.Take(half)], results, refusals);
            List<Node> rest = [];
            HashSet<Value> computed = [];
            foreach (Node node in region.Skip(half).Where(node => node.Inputs.All(input => input?.Producer is not { } producer || results.ContainsKey(input) || computed.Contains(input) || producer.OpType == "Constant")))
            {
                rest.Add(node);
                computed.UnionWith(node.Outputs);
            }

            if (rest.Count > 0)
            {
                Compute(rest, results, refusals);
            }
        }
    }

    private static void Run(List<Node> region, Dictionary<Value, Tensor> results)
    {
        Model source = region[0].Graph.Model;
        Model model = Model.Create("constants", source.Opset, Math.Max(source.IrVersion, IrVersions.PlainInitializers));
        foreach ((string domain, long version) in source.OpsetImports)
        {
            model.OpsetImports[domain] = version;
        }

        Dictionary<Value, Value> copies = [];
        List<Value> wanted = [];
        foreach (Node node in region)
        {
            Value?[] inputs = [.. node.Inputs.Select(input => input is null ? null : CopyOf(input))];
            Node copy = model.Graph.AddNode(node.OpType, inputs, node.Outputs.Count, node.Name);
            copy.CopyAttributesFrom(node);
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                copies[node.Outputs[i]] = copy.Outputs[i];
                if (node.Outputs[i].Uses.Count > 0 || node.Outputs[i].IsOutput)
                {
                    model.Graph.AddOutput(copy.Outputs[i]);
                    wanted.Add(node.Outputs[i]);
                }
            }
        }

        using ModelSession session = ModelSession.Open(model, new SessionSettings(Optimize: false));
        IReadOnlyList<Tensor> outputs = session.Run([]);
        for (int i = 0; i < wanted.Count; i++)
        {
            results[wanted[i]] = outputs[i];
        }

        Value CopyOf(Value value)
        {
            if (!copies.TryGetValue(value, out Value? copy))
            {
                Tensor tensor = results.TryGetValue(value, out Tensor? known) ? known : value.Constant!;
                copies[value] = copy = model.Graph.AddInitializer(value.Name, tensor);
            }

            return copy;
        }
    }
}
