namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>What was learned of a model, block by block.</summary>
/// <param name="before">How layers are rounded of which nothing was learned.</param>
internal sealed class LearnedBlocks(WeightRounding before)
{
    private readonly Dictionary<string, FittedLayer> fitted = [];
    private readonly List<string> refusals = [];
    private readonly List<double> errors = [];
    private string? givenUp;

    /// <summary>Blocks whose rounding was learned.</summary>
    internal int Count => errors.Count;

    /// <summary>One sentence for each block that keeps its rounding, or for all of them.</summary>
    internal IReadOnlyList<string> Refusals => givenUp is null ? refusals : [$"The learned rounding was given up: {givenUp}."];

    /// <summary>What is left of the blocks' squared errors on withheld samples, in the order of the blocks.</summary>
    internal IReadOnlyList<double> Errors => errors;

    /// <summary>How layers are rounded with what was learned so far.</summary>
    internal QuantizedWeight Round(Layer layer, int bits, float[]? smallestScales) =>
        fitted.GetValueOrDefault(layer.Node.Inputs[1]!.Name)?.For(layer, bits, smallestScales) ?? before(layer, bits, smallestScales);

    /// <summary>A clause for people; null where nothing is rounded otherwise than before.</summary>
    internal string? Explanation => errors.Count == 0 || givenUp is not null ? null
        : FormattableString.Invariant($"rounding learned in {errors.Count} of {errors.Count + refusals.Count} blocks, with {errors.Order().ElementAt(errors.Count / 2):P0} of the squared error left in the median");

    /// <summary>Takes what was learned of a layer.</summary>
    internal void Add(Layer layer, FittedLayer fit) => fitted[layer.Node.Inputs[1]!.Name] = fit;

    /// <summary>Counts a block that was learned.</summary>
    internal void Keep(double errorLeft) => errors.Add(errorLeft);

    /// <summary>Notes why a block keeps its rounding, as a clause.</summary>
    internal void Refuse(RoundingBlock block, string reason) => refusals.Add($"Rounding of {block} was not learned: {reason}.");

    /// <summary>Notes why nothing of it is kept, as a clause.</summary>
    internal LearnedBlocks GivenUp(string reason)
    {
        givenUp = reason;
        return this;
    }
}
