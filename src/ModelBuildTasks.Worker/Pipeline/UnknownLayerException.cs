namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The project excludes a layer from pruning that the model does not have: a misspelt name would prune what is to stay.</summary>
/// <param name="pattern">The name.</param>
/// <param name="nearest">Names that the model has, the most similar first.</param>
internal sealed class UnknownLayerException(string pattern, IReadOnlyList<string> nearest) : Exception
{
    /// <summary>Models have hundreds of layers, of which the message shows the likeliest.</summary>
    private const int MostOffered = 5;

    internal string Pattern => pattern;

    /// <summary>What may be written, as part of a sentence.</summary>
    internal string Offer => nearest.Count == 0 ? "none, for the model has no layers with weights" : $"{string.Join(", ", nearest.Take(MostOffered))} (the nearest of {nearest.Count} names)";
}
