using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>
/// The distance of a student from its teacher, as operators behind the student. Of classes 16·KL(softmax(t/T) ‖ softmax(s/T)), the mean over rows (Hinton, Vinyals, Dean 2015, whose factor is T² for T = 4; it stays where scores are so wide that T is more, as if they had been scaled down first); of numbers the mean of (s − t)² over the
/// teacher's variance. The teacher's values are inputs of the graph.
/// </summary>
internal static class DistillationLoss
{
    /// <summary>T: a softer teacher tells more of the classes that it did not choose. Hinton et al. found 2.5 to 4 best for small students.</summary>
    private const float Temperature = 4;

    private const float ShareOfDeviation = 1 / 3f;

    /// <summary>What labels weigh beside the teacher where there are some.</summary>
    private const float LabelWeight = 0.1f;

    /// <summary>Appends the loss.</summary>
    /// <param name="graph">The student's, edited in place. Gets an input for each target, in order, and one of labels.</param>
    /// <param name="targets">At least one.</param>
    /// <param name="shapes">Shape of each target.</param>
    /// <param name="variances">Of the teacher's numbers, for each target.</param>
    /// <param name="labels">Whether class labels are mixed in, as Int64 [N] for the first target.</param>
    /// <returns>The scalar to make less, and the part of it that tells how far the outputs are from the teacher's: labels and hints aside, which may pull elsewhere.</returns>
    internal static (Value Loss, Value Distance) Append(Graph graph, IReadOnlyList<DistillationTarget> targets, IReadOnlyList<long[]> shapes, IReadOnlyList<float> variances, bool labels)
    {
        List<Value> distances = [], others = [];
        for (int i = 0; i < targets.Count; i++)
        {
            Value mine = graph.Find(targets[i].Student)!;
            Value taught = graph.AddInput(graph.UniqueName("taught"), new TensorType(ElementType.Float, [.. shapes[i].Select(Dimension.FromInt64)]));
            Value part = targets[i].Kind == TargetKind.Classes ? Divergence(graph, mine, taught, targets[i].Axis, shapes[i], TemperatureOf(variances[i])) : Difference(graph, mine, taught, variances[i]);
            part = targets[i].KeepsNumbers ? graph.Add("Add", part, Difference(graph, mine, taught, variances[i])) : part;
            (targets[i].IsHint ? others : distances).Add(Scaled(graph, part, targets[i].Weight));
        }

        if (labels)
        {
            Value classes = graph.AddInput(graph.UniqueName("labels"), new TensorType(ElementType.Int64, shapes[0][0]));
            others.Add(Scaled(graph, graph.Add("SoftmaxCrossEntropyLoss", Scaled(graph, graph.Find(targets[0].Student)!, Temperature / TemperatureOf(variances[0])), classes), LabelWeight));
        }

        Value distance = graph.AddNode("Sum", [.. distances]).Output;
        return (others.Count == 0 ? distance : graph.AddNode("Sum", [distance, .. others]).Output, distance);
    }

    /// <summary>
    /// T, or this share of the deviation of the teacher's scores where that is more: scores in the hundreds, as mnist8's are, would else teach nothing but the best class. At the whole deviation a small student spends
    /// itself on classes that do not matter.
    /// </summary>
    private static float TemperatureOf(float variance) => MathF.Max(Temperature, ShareOfDeviation * MathF.Sqrt(variance));

    private static Value Divergence(Graph graph, Value mine, Value taught, int axis, long[] shape, float temperature)
    {
        Value warmth = graph.AddInitializer("temperature", Tensor.Scalar(1 / temperature));
        Value softened = graph.Add("Mul", taught, warmth);
        Value own = Along(graph, "LogSoftmax", graph.Add("Mul", mine, warmth), axis);
        Value difference = graph.Add("Sub", Along(graph, "LogSoftmax", softened, axis), own);
        Value sum = Sum(graph, graph.Add("Mul", Along(graph, "Softmax", softened, axis), difference));
        double rows = shape.Aggregate(1.0, (product, size) => product * size) / shape[axis];
        return Scaled(graph, sum, (float)(Temperature * Temperature / rows));
    }

    private static Value Difference(Graph graph, Value mine, Value taught, float variance)
    {
        Value difference = graph.Add("Sub", mine, taught);
        Value mean = graph.AddNode("ReduceMean", [graph.Add("Mul", difference, difference)]).Set("keepdims", 0).Output;
        return Scaled(graph, mean, 1 / variance);
    }

    private static Value Sum(Graph graph, Value value) => graph.AddNode("ReduceSum", [value]).Set("keepdims", 0).Output;

    private static Value Along(Graph graph, string opType, Value value, int axis) => graph.AddNode(opType, [value]).Set("axis", axis).Output;

    private static Value Scaled(Graph graph, Value value, float factor) => graph.Add("Mul", value, graph.AddInitializer("factor", Tensor.Scalar(factor)));
}
