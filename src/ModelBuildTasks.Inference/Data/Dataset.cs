using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>One example.</summary>
/// <param name="Inputs">A tensor for each input of the model, in the model's order, with a batch axis of 1.</param>
/// <param name="Label">What the model should answer: a class index, a vector, or null when the data has no labels.</param>
public sealed record Sample(IReadOnlyList<Tensor> Inputs, Tensor? Label);

/// <summary>Examples that are read one at a time; no data set is held whole.</summary>
public abstract class Dataset
{
    /// <summary>The file or folder.</summary>
    public abstract string Path { get; }

    /// <summary>Number of samples.</summary>
    public abstract int Count { get; }

    /// <summary>Whether samples have labels.</summary>
    public abstract bool HasLabels { get; }

    /// <summary>The samples, from the start, in an order that is the same each time.</summary>
    public abstract IEnumerable<Sample> Read();
}
