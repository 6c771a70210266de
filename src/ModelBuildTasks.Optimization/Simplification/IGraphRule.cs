using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>One rewrite, anchored at a node, that leaves what the graph computes as it was.</summary>
/// <remarks>
/// A value keeps its type for as long as it lives: what has other dimensions is a new value. <see cref="RuleContext"/> tells types as they were before the
/// round, and the rules that follow in it rely on them.
/// </remarks>
public interface IGraphRule
{
    /// <summary>The rewrite's name, as reports show it.</summary>
    string Name { get; }

    /// <summary>Whether the node has the operator that the rule starts from.</summary>
    bool Matches(Node node);

    /// <summary>Rewrites around <paramref name="node"/>, or leaves everything as it was.</summary>
    RuleOutcome Apply(Node node, RuleContext context);
}

/// <summary>What a rule did at one node.</summary>
public readonly record struct RuleOutcome
{
    private RuleOutcome(bool isApplied, string? reason) => (IsApplied, Reason) = (isApplied, reason);

    /// <summary>The graph was rewritten.</summary>
    public static RuleOutcome Applied { get; } = new(true, null);

    /// <summary>The pattern is not here; nothing to report.</summary>
    public static RuleOutcome NotApplicable { get; }

    /// <summary>Whether the graph was rewritten.</summary>
    public bool IsApplied { get; }

    /// <summary>Why the pattern is here but could not be rewritten; null when it was, or is not here.</summary>
    public string? Reason { get; }

    /// <summary>The pattern is here, but rewriting it is not safe.</summary>
    public static RuleOutcome Refused(string reason) => new(false, reason);
}

/// <summary>What rules know beyond the graph.</summary>
/// <param name="Types">Types that ONNX Runtime inferred for the values before this round; what rules made since is not among them.</param>
/// <param name="Target">What the simplified model is to run on.</param>
public sealed record RuleContext(IReadOnlyDictionary<Value, TensorType> Types, TargetProfile Target)
{
    /// <summary>What new constants may add to the file.</summary>
    public GrowthBudget Growth { get; init; } = new(saved: 0);

    /// <summary>What shifts layers have taken; the same throughout all rounds.</summary>
    internal ShiftShares Shifts { get; init; } = new();

    /// <summary>The type of a value: a constant's own, the inferred, or what a graph input states; null when unknown, or when a node leaves the value out.</summary>
    public TensorType? TypeOf(Value? value) =>
        value is null ? null
        : value.Constant is { } tensor ? new TensorType(tensor.ElementType, [.. tensor.Dimensions.Select(size => (Dimension)size)])
        : Types.TryGetValue(value, out TensorType? inferred) ? inferred
        : value.IsInput ? ShapeInference.OfInput(value)
        : null;

    /// <summary>The number of dimensions; null when unknown.</summary>
    public int? RankOf(Value? value) => TypeOf(value)?.Shape?.Count;

    /// <summary>The shape of a value whose every dimension is fixed; null otherwise.</summary>
    public long[]? StaticShapeOf(Value? value) =>
        TypeOf(value)?.Shape is { } shape && shape.All(dimension => dimension.Size is not null) ? [.. shape.Select(dimension => dimension.Size!.Value)] : null;
}
