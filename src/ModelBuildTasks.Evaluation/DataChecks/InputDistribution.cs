namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>How the numbers of one channel of one input are distributed over a data set, as the model gets them.</summary>
public sealed record InputDistribution
{
    /// <summary>The input's name.</summary>
    public required string Input { get; init; }

    /// <summary>The channel, or the element of a short vector; null where all elements of the input are taken together.</summary>
    public required int? Channel { get; init; }

    public required int Samples { get; init; }

    /// <summary>Over finite numbers, as are the ones below; 0 where there is none.</summary>
    public required double Mean { get; init; }

    public required double Deviation { get; init; }

    public required double Lowest { get; init; }

    public required double Highest { get; init; }

    /// <summary>Ascending upper bounds of bins, the bound included: just below the lowest number, the deciles that differ, the highest number. One more bin lies beyond.</summary>
    public required IReadOnlyList<double> Edges { get; init; }

    /// <summary>Share of the numbers in each bin; one more than there are edges.</summary>
    public required IReadOnlyList<double> Shares { get; init; }

    /// <summary>Whether <see cref="Channel"/> is a column of a table and no channel of an image.</summary>
    public bool IsColumn { get; init; }

    /// <summary>"channel 0", "column 44"; null where all elements are taken together.</summary>
    public string? Part => Channel is { } channel ? $"{(IsColumn ? "column" : "channel")} {channel}" : null;

    /// <summary>For messages.</summary>
    public override string ToString() => Part is { } part ? $"{part} of input '{Input}'" : $"input '{Input}'";
}
