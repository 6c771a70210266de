namespace ModelBuildTasks.Optimization.Training;

/// <summary>Why some parameters have no gradient.</summary>
/// <param name="OpType">The operator that lets none pass; empty when no path leads from the loss to the parameters.</param>
/// <param name="Reason">A sentence that names the node and what is not covered.</param>
/// <param name="Parameters">The parameters that depend on the gradient that is missing. At least one.</param>
public sealed record GradientGap(string OpType, string Reason, IReadOnlyList<string> Parameters)
{
    /// <summary>Of many gaps people read the first ones here, and all in the reasons of the step.</summary>
    private const int MostTold = 3;

    /// <summary>What follows a sentence on a training, with a space before it; empty where there is no gap.</summary>
    internal static string Sentences(IReadOnlyList<GradientGap> gaps) =>
        string.Concat(gaps.Take(MostTold).Select(gap => $" {gap}")) + (gaps.Count > MostTold ? $" {gaps.Count - MostTold} more operators let no gradient pass." : "");

    public override string ToString() => $"{Reason} Not trained because of it: {string.Join(", ", Parameters)}.";
}
