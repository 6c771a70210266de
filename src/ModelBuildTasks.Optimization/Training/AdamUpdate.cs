using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// The state and the rule by which one parameter moves against its gradient: AdamW (Loshchilov, Hutter 2019): m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², w ← w·(1 − η·d) − η·m̂/(√v̂ + ε), with m̂ and v̂
/// corrected for their start at zero.
/// </summary>
/// <param name="length">Elements of the parameter.</param>
/// <param name="decay">d, the decoupled weight decay.</param>
/// <param name="beta1">β₁.</param>
/// <param name="beta2">β₂.</param>
public sealed class AdamUpdate(int length, float decay, float beta1 = 0.9f, float beta2 = 0.999f)
{
    private const float Epsilon = 1e-8f;

    private readonly float[] first = new float[length];
    private readonly float[] second = new float[length];
    private readonly float[] scratch = new float[length];
    private int steps;

    /// <summary>Changes <paramref name="weights"/> in place.</summary>
    /// <param name="weights">The parameter.</param>
    /// <param name="gradient">∂loss/∂parameter, of the same length.</param>
    /// <param name="learningRate">η, above 0.</param>
    public void Update(Span<float> weights, ReadOnlySpan<float> gradient, float learningRate)
    {
        steps++;
        TensorPrimitives.Multiply(first, beta1, first);
        TensorPrimitives.MultiplyAdd(gradient, 1 - beta1, first, first);
        TensorPrimitives.Multiply(second, beta2, second);
        TensorPrimitives.Multiply(gradient, gradient, scratch);
        TensorPrimitives.MultiplyAdd(scratch, 1 - beta2, second, second);

        // √v̂ + ε = (√v + ε·√c₂) / √c₂ with c₂ = 1 − β₂ᵗ.
        float root = MathF.Sqrt(1 - MathF.Pow(beta2, steps));
        TensorPrimitives.Sqrt(second, scratch);
        TensorPrimitives.Add(scratch, Epsilon * root, scratch);
        TensorPrimitives.Divide(first, scratch, scratch);
        TensorPrimitives.Multiply(weights, 1 - (learningRate * decay), weights);
        TensorPrimitives.MultiplyAdd(scratch, -learningRate * root / (1 - MathF.Pow(beta1, steps)), weights, weights);
    }
}
