using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>A stored statistic of a normalization and the output that brings its value in one batch.</summary>
/// <param name="Stored">Name of the initializer with the running mean or variance.</param>
/// <param name="Batch">Name of the model output with the batch's own.</param>
public sealed record TrackedStatistic(string Stored, string Batch);

/// <summary>Makes BatchNormalization use the statistics of the batch, as training does, and bring them out.</summary>
internal static class BatchStatistics
{
    /// <summary>
    /// Replaces each BatchNormalization by one in training mode. With momentum 0 ONNX's "running" outputs are the batch's mean and
    /// (population) variance; they become outputs of the model.
    /// </summary>
    /// <param name="model">Edited in place; operator set 14 or later.</param>
    public static IReadOnlyList<TrackedStatistic> Attach(Model model)
    {
        List<TrackedStatistic> tracked = [];
        Graph graph = model.Graph;
        foreach (Node node in graph.Nodes.Where(node => node.OpType == "BatchNormalization" && node.Domain.Length == 0).ToArray())
        {
            Node training = graph.AddNode(node.OpType, node.Inputs, outputCount: 3, node.Name);
            training.CopyAttributesFrom(node);
            training.Set("training_mode", 1).Set("momentum", 0f);
            node.Output.ReplaceWith(training.Output);
            graph.Remove(node);
            for (int i = 0; i < 2; i++)
            {
                graph.AddOutput(training.Outputs[i + 1]);
                tracked.Add(new TrackedStatistic(training.Input(i + 3)!.Name, training.Outputs[i + 1].Name));
            }
        }

        return tracked;
    }
}
