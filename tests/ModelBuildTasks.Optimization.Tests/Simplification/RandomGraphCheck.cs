using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>What simplification promises, held against one random graph.</summary>
/// <param name="Problem">The first promise that is broken; null when all hold.</param>
/// <param name="IsCompared">Whether ONNX Runtime runs the original, so that there are outputs to compare.</param>
internal sealed record RandomGraphCheck(string? Problem, bool IsCompared)
{
    /// <summary>Of the largest element, or of <see cref="Smallest"/> if that is more: folds change the rounding, and sums in a row add up.</summary>
    private const double Tolerance = 2e-5;

    private const double Smallest = 1e-2;

    private static readonly bool[] Optimizations = [false, true];

    internal static RandomGraphCheck Of(int seed)
    {
        RandomGraph graph = new(seed);
        if (graph.Model.Graph.Outputs.Count == 0)
        {
            return new RandomGraphCheck(null, IsCompared: false);
        }

        byte[] original = graph.Model.ToBytes();
        IReadOnlyList<Tensor>?[][] expected = [.. Optimizations.Select(optimize => Run(original, optimize, graph.Inputs))];
        // ONNX Runtime leaves some empty or misjoined results unwritten, which then differ from run to run.
        bool isUnwritten = expected[0].Zip(Run(original, Optimizations[0], graph.Inputs), Difference).Any(difference => difference is not null);
        // Where it computes something else with optimizations than without, either is right.
        bool disagrees = expected[0].Zip(expected[1], Difference).Any(difference => difference is not null);
        bool misjudgesSizes = expected.Any(runs => runs.Any(outputs => outputs is { Count: 0 }));
        return isUnwritten || disagrees || misjudgesSizes || ReducesEmptyFromTheEnd(graph.Model, expected[0]) || expected[0].All(outputs => outputs is null)
            ? new RandomGraphCheck(null, IsCompared: false)
            : new RandomGraphCheck((FindChangedType(original, seed) ?? FindProblem(original, graph.Inputs, expected)) is { } problem ? $"Graph {seed}, operator set {graph.Model.Opset}: {problem}" : null, IsCompared: true);
    }

    /// <summary>ONNX Runtime 1.31 leaves an empty tensor as it is along a negative axis, where the rules count axes from the front.</summary>
    private static bool ReducesEmptyFromTheEnd(Model model, IReadOnlyList<Tensor>?[] outputs) =>
        outputs.Any(each => each?.Any(output => output.Length == 0) == true)
        && model.Graph.WithSubgraphs().SelectMany(inner => inner.Nodes).Any(node => node.OpType.StartsWith("Reduce", StringComparison.Ordinal) && StatedIntegers.Of(node, "axes", 1)?.Any(axis => axis < 0) == true);

    /// <summary>Applies one rule alone, each graph another. What lives on must have the type that it had: the rules rely on that within a round.</summary>
    private static string? FindChangedType(byte[] original, int seed)
    {
        string rule = GraphSimplification.RuleNames[seed % GraphSimplification.RuleNames.Count];
        Model model = Model.Parse(original);
        Dictionary<Value, TensorType> before = ShapeInference.Infer(model.Graph);
        new GraphSimplification([.. GraphSimplification.RuleNames.Where(name => name != rule)]).Apply(model, new PassContext(TargetProfiles.Cpu));
        return ShapeInference.Infer(model.Graph).Where(after => before.TryGetValue(after.Key, out TensorType? was) && !CanBeOne(was, after.Value))
            .Select(after => $"{rule} made {before[after.Key]} of '{after.Key.Name}' {after.Value}").FirstOrDefault();
    }

    private static bool CanBeOne(TensorType one, TensorType other) =>
        one.ElementType == other.ElementType
        && (one.Shape is not { } a || other.Shape is not { } b || (a.Count == b.Count && a.Zip(b).All(pair => pair.First.Size is null || pair.Second.Size is null || pair.First.Size == pair.Second.Size)));

    private static string? FindProblem(byte[] original, IReadOnlyList<Tensor>[] inputs, IReadOnlyList<Tensor>?[][] expected)
    {
        Model model = Model.Parse(original);
        PassContext context = new(TargetProfiles.Cpu);
        PassOutcome outcome = new GraphSimplification().Apply(model, context);
        if (model.Validate() is [var finding, ..])
        {
            return $"invalid: {finding}";
        }

        byte[] simplified = model.ToBytes();
        if (simplified.Length > original.Length)
        {
            return $"grows from {original.Length} to {simplified.Length} bytes: {outcome.Explanation}";
        }

        PassOutcome again = new GraphSimplification().Apply(Model.Parse(simplified), context);
        if (again.Changed)
        {
            return $"a second time finds more: {again.Explanation}";
        }

        foreach ((bool optimize, IReadOnlyList<Tensor>?[] runs) in Optimizations.Zip(expected))
        {
            IReadOnlyList<Tensor>?[] actual = Run(simplified, optimize, inputs);
            for (int run = 0; run < runs.Length; run++)
            {
                // Optimized, the runtime takes some inputs that the model as it is written refuses.
                bool isAllowed = expected[0][run] is not null;
                if (isAllowed && Difference(runs[run], actual[run]) is { } difference)
                {
                    return $"with {string.Join(", ", inputs[run])}, optimizations {(optimize ? "on" : "off")}: {difference}: {outcome.Explanation}";
                }
            }
        }

        return null;
    }

    /// <summary>The outputs for each of several inputs; null where the runtime refuses the model or these.</summary>
    private static IReadOnlyList<Tensor>?[] Run(byte[] bytes, bool optimize, IReadOnlyList<Tensor>[] inputs)
    {
        try
        {
            using ModelSession session = ModelSession.Open(bytes, new SessionSettings(Optimize: optimize));
            return [.. inputs.Select(each => Run(session, each))];
        }
        catch (InferenceException)
        {
            return new IReadOnlyList<Tensor>?[inputs.Length];
        }
    }

    private static IReadOnlyList<Tensor>? Run(ModelSession session, IReadOnlyList<Tensor> inputs)
    {
        try
        {
            return session.Run(inputs);
        }
        catch (InferenceException refusal)
        {
            // The runtime gives results of one symbolic shape one buffer, and finds two sizes: a matter of which nodes stand side by side.
            return refusal.Message.Contains("re-use buffer", StringComparison.Ordinal) ? [] : null;
        }
    }

    private static string? Difference(IReadOnlyList<Tensor>? expected, IReadOnlyList<Tensor>? actual) =>
        expected is null ? null
        : actual is null ? "does not run"
        : expected.Zip(actual, Difference).FirstOrDefault(difference => difference is not null);

    private static string? Difference(Tensor expected, Tensor actual)
    {
        if (!expected.Dimensions.SequenceEqual(actual.Dimensions))
        {
            return $"{actual} instead of {expected}";
        }

        float[] a = expected.ToSingles();
        float[] b = actual.ToSingles();
        double range = a.Where(float.IsFinite).Select(value => Math.Abs((double)value)).Append(Smallest).Max();
        for (int i = 0; i < a.Length; i++)
        {
            bool isSame = a[i].Equals(b[i]) || a[i] == b[i] || Math.Abs((double)a[i] - b[i]) <= Tolerance * range;
            if (!isSame)
            {
                return $"{b[i]} instead of {a[i]} at {i}, among numbers up to {range}";
            }
        }

        return null;
    }
}
