namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>How it is told what a channel is worth where there are samples.</summary>
internal enum ChannelImportance
{
    /// <summary><see cref="ReconstructionImportance"/>: for what is refitted and then done.</summary>
    Reconstruction,

    /// <summary><see cref="TaylorImportance"/>: for what is trained.</summary>
    Taylor,
}
