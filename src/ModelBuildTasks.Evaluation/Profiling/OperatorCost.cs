namespace ModelBuildTasks.Evaluation.Profiling;

/// <summary>What one node of the graph that ONNX Runtime runs takes.</summary>
/// <param name="Name">The node's name; ONNX Runtime gives fused nodes names of its own.</param>
/// <param name="OpType">The operator.</param>
/// <param name="Milliseconds">Median over runs of all its executions in a run.</param>
/// <param name="Share">Of the sum over all nodes, 0 to 1.</param>
public sealed record OperatorCost(string Name, string OpType, double Milliseconds, double Share);
