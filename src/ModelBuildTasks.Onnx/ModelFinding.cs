namespace ModelBuildTasks.Onnx;

/// <summary>One thing that makes a model invalid.</summary>
/// <param name="Place">The graph, and the node or value in it.</param>
/// <param name="Problem">What was found, what was expected, and what to do.</param>
public sealed record ModelFinding(string Place, string Problem)
{
    public override string ToString() => $"{Place}: {Problem}";
}
