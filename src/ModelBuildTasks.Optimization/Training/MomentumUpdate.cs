using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>Gradient descent with momentum: v ← m·v + g + d·w, w ← w − η·v.</summary>
/// <param name="length">Elements of the parameter.</param>
/// <param name="momentum">m, in [0, 1).</param>
/// <param name="decay">d, the pull towards zero.</param>
public sealed class MomentumUpdate(int length, float momentum, float decay) : IUpdateRule
{
    private readonly float[] velocity = new float[length];

    public void Update(Span<float> weights, ReadOnlySpan<float> gradient, float learningRate)
    {
        TensorPrimitives.MultiplyAdd(velocity, momentum, gradient, velocity);
        TensorPrimitives.MultiplyAdd(weights, decay, velocity, velocity);
        TensorPrimitives.MultiplyAdd(velocity, -learningRate, weights, weights);
    }
}
