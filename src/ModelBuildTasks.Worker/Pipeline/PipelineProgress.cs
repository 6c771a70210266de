namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Where the pipeline is.</summary>
/// <param name="Stage">What is being done, such as "static int8 quantization".</param>
/// <param name="Share">Share of the stage that is done, 0 to 1.</param>
internal readonly record struct PipelineProgress(string Stage, double Share);
