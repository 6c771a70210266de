using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// Stochastic gradient descent with Nesterov's momentum in the form of Sutskever et al. (2013) that needs the gradient at the weights themselves: v ← μ·v + g, w ← w·(1 − η·d) − η·(g + μ·v).
/// The decay is decoupled, as in <see cref="AdamUpdate"/>.
/// </summary>
/// <param name="length">Elements of the parameter.</param>
/// <param name="decay">d, the weight decay.</param>
/// <param name="momentum">μ, 0 to 1.</param>
internal sealed class MomentumUpdate(int length, float decay, float momentum = 0.9f) : IUpdateRule
{
    private readonly float[] velocity = new float[length];
    private readonly float[] scratch = new float[length];

    public int Steps { get; set; }

    public IReadOnlyList<float[]> Memory => [velocity];

    public void Update(Span<float> weights, ReadOnlySpan<float> gradient, float learningRate)
    {
        Steps++;
        TensorPrimitives.MultiplyAdd(velocity, momentum, gradient, velocity);
        TensorPrimitives.MultiplyAdd(velocity, momentum, gradient, scratch);
        TensorPrimitives.Multiply(weights, 1 - (learningRate * decay), weights);
        TensorPrimitives.MultiplyAdd(scratch, -learningRate, weights, weights);
    }
}
