using System.Text.Json;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;

namespace ModelBuildTasks.Evaluation.Profiling;

/// <summary>
/// Reads what ONNX Runtime's profiler writes: an array of events in the order in which they ended (Chrome's trace event format). A node's event is of the category
/// Node and named <c>…_kernel_time</c>; that of a whole run is of the category Session and named <c>model_run</c>.
/// </summary>
internal static class ProfileTrace
{
    private const string KernelTime = "_kernel_time";

    /// <summary>Operators whose time is that of the nodes in their branches and bodies, which have events of their own.</summary>
    private static readonly HashSet<string> Containers = ["If", "Loop", "Scan"];

    /// <param name="trace">The file.</param>
    /// <param name="warmUpRuns">Runs at the beginning that do not count.</param>
    /// <returns>Every node, the slowest first; empty when no run counts.</returns>
    /// <exception cref="InferenceException">This is no trace.</exception>
    internal static IReadOnlyList<OperatorCost> Read(Stream trace, int warmUpRuns)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(trace);
            return Sum([.. Runs(document.RootElement).Skip(warmUpRuns)]);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InferenceException($"ONNX Runtime's profile cannot be read: {exception.Message}", exception);
        }
    }

    private static IEnumerable<Dictionary<Node, double>> Runs(JsonElement events)
    {
        Dictionary<Node, double> run = [];
        foreach (JsonElement entry in events.EnumerateArray())
        {
            string name = entry.GetProperty("name").GetString() ?? "";
            string category = entry.GetProperty("cat").GetString() ?? "";
            if (category == "Session" && name == "model_run")
            {
                yield return run;
                run = [];
            }
            else if (category == "Node" && name.EndsWith(KernelTime, StringComparison.Ordinal) && entry.GetProperty("args").GetProperty("op_name").GetString() is { } operation && !Containers.Contains(operation))
            {
                Node node = new(name[..^KernelTime.Length], operation);
                run[node] = run.GetValueOrDefault(node) + entry.GetProperty("dur").GetDouble();
            }
        }
    }

    private static OperatorCost[] Sum(IReadOnlyList<Dictionary<Node, double>> runs)
    {
        const double microsecondsInMillisecond = 1000;
        (Node Node, double Milliseconds)[] costs = [.. runs.SelectMany(run => run.Keys).Distinct()
            .Select(node => (node, Quantiles.Median([.. runs.Select(run => run.GetValueOrDefault(node))]) / microsecondsInMillisecond))];
        double whole = costs.Sum(cost => cost.Milliseconds);
        return [.. costs.OrderByDescending(cost => cost.Milliseconds).ThenBy(cost => cost.Node.Name, StringComparer.Ordinal)
            .Select(cost => new OperatorCost(cost.Node.Name, cost.Node.OpType, cost.Milliseconds, whole > 0 ? cost.Milliseconds / whole : 0))];
    }

    private readonly record struct Node(string Name, string OpType);
}
