using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>Whether a model takes several samples at once. Many are exported for one, and most of these take more all the same when their signature says so.</summary>
internal static class BatchAxis
{
    /// <summary>Rounding differs with the number of rows.</summary>
    private const double MostError = 1e-3;

    /// <summary>Where the model rounds to integers, a number that is near the middle of two steps can come to either.</summary>
    private const double MostErrorOfIntegers = 0.1;

    /// <summary>The model with a first axis that is left open wherever its inputs and outputs have one of 1.</summary>
    internal static Model Open(Model model)
    {
        Model open = model.Clone();
        foreach (Value value in open.Graph.Values)
        {
            if (value.Type is { Shape: [{ Size: 1 }, ..] shape } type && value.Initializer is null)
            {
                // What is inside is told by ONNX Runtime; a stale note of one sample would only be warned of.
                value.Type = value.Producer is null || value.IsOutput ? type with { Shape = [Dimension.Unknown, .. shape.Skip(1)] } : null;
            }
        }

        return open;
    }

    /// <summary>Whether two samples at once give what they give one by one.</summary>
    /// <param name="model">The model, open.</param>
    /// <param name="first">Inputs of a sample, each with a first axis of 1.</param>
    /// <param name="second">Those of another.</param>
    internal static bool IsFree(Model model, IReadOnlyList<Tensor> first, IReadOnlyList<Tensor> second)
    {
        if (first.Concat(second).Any(input => input.Dimensions is not [1, ..]))
        {
            return false;
        }

        try
        {
            using ModelSession session = ModelSession.Open(model);
            IReadOnlyList<Tensor> together = session.Run(TrainingBatches.Join([first, second]));
            IReadOnlyList<Tensor> one = session.Run(first), other = session.Run(second);
            double most = model.Graph.Nodes.Any(node => node.OpType == "QuantizeLinear") ? MostErrorOfIntegers : MostError;
            return Enumerable.Range(0, together.Count).All(i => IsJoined(together[i], one[i], other[i], most));
        }
        catch (InferenceException)
        {
            return false;
        }
    }

    private static bool IsJoined(Tensor together, Tensor one, Tensor other, double most)
    {
        if (one.Dimensions is not [1, ..] || together.Dimensions[0] != 2 || !together.Dimensions.Skip(1).SequenceEqual(one.Dimensions.Skip(1)))
        {
            return false;
        }

        float[] expected = [.. one.ToSingles(), .. other.ToSingles()];
        float[] actual = together.ToSingles();
        double scale = expected.Max(value => Math.Abs((double)value));
        return expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) <= most * scale);
    }
}
