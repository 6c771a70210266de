namespace ModelBuildTasks.Worker.Measuring;

/// <summary>What <c>modelbuild measure</c> is asked for.</summary>
/// <param name="ArtifactPath">The artifact as it was named.</param>
/// <param name="Name">The model's name.</param>
/// <param name="Target">The target profile.</param>
internal sealed record MeasureSettings(string ArtifactPath, string Name, string Target)
{
    /// <summary>The model to compare with; null for none.</summary>
    internal string? BaselinePath { get; init; }

    /// <summary>Samples; null to draw some.</summary>
    internal string? Data { get; init; }

    /// <summary>Threads inside an operator.</summary>
    internal int Threads { get; init; } = 1;

    /// <summary>Batch sizes whose throughput is measured.</summary>
    internal IReadOnlyList<int> Batches { get; init; } = [];

    /// <summary>Time limit of latency.</summary>
    internal TimeSpan TimeLimit { get; init; }
}
