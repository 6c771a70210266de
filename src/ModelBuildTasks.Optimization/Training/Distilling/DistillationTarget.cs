using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>What a distance between student and teacher means.</summary>
internal enum TargetKind
{
    /// <summary>Scores of classes along an axis: the divergence of softened probabilities.</summary>
    Classes,

    /// <summary>Numbers: the squared difference, over the teacher's own variance.</summary>
    Numbers,
}

/// <summary>A value of the student and the value of the teacher that it is to be like.</summary>
/// <param name="Student">Name in the student.</param>
/// <param name="Teacher">Name in the teacher.</param>
/// <param name="Kind">What they are.</param>
/// <param name="Axis">The axis of classes; 0 for numbers.</param>
/// <param name="Weight">Of the distance in the loss.</param>
internal sealed record DistillationTarget(string Student, string Teacher, TargetKind Kind, int Axis, float Weight)
{
    /// <summary>Whether it is inside: something to learn by, and no part of what is judged.</summary>
    internal bool IsHint { get; init; }

    /// <summary>Whether of scores of classes the numbers are taught as well: the divergence does not see what all scores have in common.</summary>
    internal bool KeepsNumbers { get; init; }

    /// <summary>All hints together weigh so much of what the outputs weigh (Romero et al. 2015 learn from hints first and from outputs then; here they stay beside each other).</summary>
    internal const float HintWeight = 0.1f;

    private const int MostHints = 3;

    /// <summary>Scores that a classifier makes of what it ends in, and the operators that make them.</summary>
    private static readonly HashSet<string> Softmaxes = ["Softmax", "LogSoftmax"];

    /// <summary>What ends a layer, behind which a value is worth being alike: sums of residuals, activations and normalizations.</summary>
    private static readonly HashSet<string> Hinted = ["Add", "Relu", "LeakyRelu", "PRelu", "Clip", "HardSwish", "Gelu", "Sigmoid", "Tanh", "LayerNormalization", "BatchNormalization"];

    /// <summary>The outputs that are alike in meaning by their places; of softmax outputs what is scaled there. Whole numbers are chosen from something and teach nothing.</summary>
    /// <param name="student">The model to train.</param>
    /// <param name="teacher">Has as many outputs.</param>
    /// <param name="types">Of the teacher's outputs.</param>
    /// <param name="isClassifier">Whether a float output [N, C] is known to hold scores of classes.</param>
    /// <param name="shapes">Of the student's values of float.</param>
    /// <param name="teacherShapes">Of the teacher's values that can be read as float, by their names.</param>
    internal static IReadOnlyList<DistillationTarget> Outputs(
        Model student, Model teacher, IReadOnlyList<ElementType> types, bool isClassifier, IReadOnlyDictionary<Value, long[]> shapes, IReadOnlyDictionary<string, long[]> teacherShapes)
    {
        List<DistillationTarget> targets = [];
        foreach ((Value mine, Value theirs, ElementType type) in student.Graph.Outputs.Zip(teacher.Graph.Outputs, types))
        {
            if (shapes.ContainsKey(mine) && type == ElementType.Float)
            {
                targets.Add(Of(mine, theirs, isClassifier, shapes, teacherShapes));
            }
        }

        return targets;
    }

    /// <summary>Float values inside that both models have, by name and shape, spread over the depth of the student. For a student none of whose channels were scaled since they were the teacher's.</summary>
    internal static IReadOnlyList<DistillationTarget> Hints(Model student, IReadOnlyDictionary<Value, long[]> shapes, IReadOnlyDictionary<string, long[]> teacherShapes)
    {
        Value[] shared =
        [
            .. from node in student.Graph.TopologicalOrder()
               where Hinted.Contains(node.OpType) && node.Domain.Length == 0
               let value = node.Output
               where !value.IsOutput && shapes.TryGetValue(value, out long[]? shape) && shape.Length > 2 && teacherShapes.TryGetValue(value.Name, out long[]? theirs) && theirs.SequenceEqual(shape)
               select value,
        ];
        int count = Math.Min(MostHints, shared.Length);
        return [.. Enumerable.Range(0, count).Select(i => shared[(i + 1) * shared.Length / (count + 1)].Name).Distinct().Select(name => new DistillationTarget(name, name, TargetKind.Numbers, 0, HintWeight / count) { IsHint = true })];
    }

    private static DistillationTarget Of(Value mine, Value theirs, bool isClassifier, IReadOnlyDictionary<Value, long[]> shapes, IReadOnlyDictionary<string, long[]> teacherShapes)
    {
        long[] shape = shapes[mine];
        if (Softmax(mine) is { } scaled && Softmax(theirs) is { } taught && Scaled(scaled, shapes.ContainsKey) is { } scores && Scaled(taught, value => teacherShapes.ContainsKey(value.Name)) is { } right)
        {
            long axis = scaled.GetInt("axis", scaled.Graph.Model.Opset < 13 ? 1 : -1);
            return new DistillationTarget(scores.Name, right.Name, TargetKind.Classes, (int)(axis < 0 ? axis + shape.Length : axis), 1);
        }

        return isClassifier && shape is [_, > 1]
            ? new DistillationTarget(mine.Name, theirs.Name, TargetKind.Classes, 1, 1)
            : new DistillationTarget(mine.Name, theirs.Name, TargetKind.Numbers, 0, 1);
    }

    /// <summary>What a softmax scales, in front of Casts to a type that is not float; null where it is not of float there.</summary>
    private static Value? Scaled(Node softmax, Func<Value, bool> isFloat)
    {
        Value scores = softmax.Input(0)!;
        while (!isFloat(scores) && scores.Producer is { OpType: "Cast", Domain: "" } cast)
        {
            scores = cast.Input(0)!;
        }

        return isFloat(scores) ? scores : null;
    }

    /// <summary>The node that makes probabilities of scores, where nothing but storing them follows.</summary>
    private static Node? Softmax(Value output)
    {
        Node? node = output.Producer;
        while (node is { OpType: "QuantizeLinear" or "DequantizeLinear" or "Identity" or "Cast" })
        {
            node = node.Input(0)?.Producer;
        }

        return node is { Domain.Length: 0 } && Softmaxes.Contains(node.OpType) ? node : null;
    }
}
