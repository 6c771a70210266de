using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// AdamW (Loshchilov, Hutter 2019): m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², w ← w·(1 − η·d) − η·m̂/(√v̂ + ε), with m̂ and v̂
/// corrected for their start at zero. Without decay it is Adam (Kingma, Ba 2015).
/// </summary>
/// <param name="length">Elements of the parameter.</param>
/// <param name="decay">d, the decoupled weight decay.</param>
/// <param name="beta1">β₁.</param>
/// <param name="beta2">β₂.</param>
public sealed class AdamUpdate(int length, float decay, float beta1 = 0.9f, float beta2 = 0.999f) : IUpdateRule
{
    private const float Epsilon = 1e-8f;

    private readonly float[] first = new float[length];
    private readonly float[] second = new float[length];
    private readonly float[] scratch = new float[length];

    public int Steps { get; set; }

    public IReadOnlyList<float[]> Memory => [first, second];

    public void Update(Span<float> weights, ReadOnlySpan<float> gradient, float learningRate)
    {
        Steps++;
        TensorPrimitives.Multiply(first, beta1, first);
        TensorPrimitives.MultiplyAdd(gradient, 1 - beta1, first, first);
        TensorPrimitives.Multiply(second, beta2, second);
        TensorPrimitives.Multiply(gradient, gradient, scratch);
        TensorPrimitives.MultiplyAdd(scratch, 1 - beta2, second, second);

        // √v̂ + ε = (√v + ε·√c₂) / √c₂ with c₂ = 1 − β₂ᵗ.
        float root = MathF.Sqrt(1 - MathF.Pow(beta2, Steps));
        TensorPrimitives.Sqrt(second, scratch);
        TensorPrimitives.Add(scratch, Epsilon * root, scratch);
        TensorPrimitives.Divide(first, scratch, scratch);
        TensorPrimitives.Multiply(weights, 1 - (learningRate * decay), weights);
        TensorPrimitives.MultiplyAdd(scratch, -learningRate * root / (1 - MathF.Pow(beta1, Steps)), weights, weights);
    }
}
