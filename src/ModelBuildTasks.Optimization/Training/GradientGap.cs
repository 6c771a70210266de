namespace ModelBuildTasks.Optimization.Training;

/// <summary>Why some parameters have no gradient.</summary>
/// <param name="OpType">The operator that lets none pass; empty when no path leads from the loss to the parameters.</param>
/// <param name="Reason">A sentence that names the node and what is not covered.</param>
/// <param name="Parameters">The parameters that depend on the gradient that is missing. At least one.</param>
public sealed record GradientGap(string OpType, string Reason, IReadOnlyList<string> Parameters)
{
    public override string ToString() => $"{Reason} Not trained because of it: {string.Join(", ", Parameters)}.";
}
