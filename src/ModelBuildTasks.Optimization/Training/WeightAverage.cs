using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// The exponential moving average of weights (Polyak, Juditsky 1992), which wanders less than they do: a ← d·a + (1 − d)·w, with d = min(decay, (1 + t)/(10 + t)) so that the start is soon forgotten.
/// </summary>
/// <param name="parameters">What is averaged.</param>
/// <param name="decay">d, below 1.</param>
internal sealed class WeightAverage(IReadOnlyList<Parameter> parameters, float decay)
{
    private readonly float[][] averages = [.. parameters.Select(parameter => (float[])parameter.Values.Clone())];

    /// <summary>The averages, in the order of the parameters. They change in place.</summary>
    internal IReadOnlyList<float[]> Values => averages;

    /// <summary>After step 1, 2, …</summary>
    internal void Follow(int step)
    {
        float kept = Math.Min(decay, (1f + step) / (10f + step));
        for (int i = 0; i < averages.Length; i++)
        {
            TensorPrimitives.Multiply(averages[i], kept, averages[i]);
            TensorPrimitives.MultiplyAdd(parameters[i].Values, 1 - kept, averages[i], averages[i]);
        }
    }
}
