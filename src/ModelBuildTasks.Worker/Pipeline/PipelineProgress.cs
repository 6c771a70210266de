namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Where the pipeline is.</summary>
/// <param name="Stage">What is being done, such as "static int8 quantization".</param>
/// <param name="Share">Share of the stage that is done, 0 to 1.</param>
internal readonly record struct PipelineProgress(string Stage, double Share)
{
    /// <summary>How it goes, such as the loss of a training and the time that is left; null where the share says all.</summary>
    internal string? Detail { get; init; }
}
