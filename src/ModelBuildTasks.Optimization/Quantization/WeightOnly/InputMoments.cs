using System.Numerics.Tensors;
using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// The second moments XᵀX of what one layer reads: half the Hessian of its output error ‖X(W − Ŵ)‖² in the weights of any one output. Layers
/// that read the same value share it; its size does not depend on the number of samples.
/// </summary>
internal sealed class InputMoments(int inputs)
{
    /// <summary>The share of the mean moment that is added to each (GPTQ's damping), so that inputs that hardly vary in the samples keep their weights.</summary>
    private const float Damping = 0.01f;

    /// <summary>Rounding can leave a matrix of few samples indefinite under the usual damping; more of it is tried before giving up.</summary>
    private const float StrongestDamping = 1f;

    /// <summary>Layers with more inputs than this allows (16,384) are quantized without moments: factoring them would take minutes each.</summary>
    internal const long MostBytes = 1L << 30;

    private readonly float[] sums = new float[(long)inputs * inputs];

    /// <summary>Columns of X.</summary>
    internal int Inputs { get; } = inputs;

    /// <summary>Rows of X seen so far.</summary>
    internal long Rows { get; private set; }

    /// <summary>Adds the rows of one sample. Samples must come one after the other: sums are rounded in their order.</summary>
    /// <param name="x">[rows, inputs].</param>
    internal void Add(ReadOnlyMemory<float> x, CancellationToken cancellation = default)
    {
        OuterProducts.Add(sums, Inputs, 0, x, sign: 1, cancellation);
        Rows += x.Length / Inputs;
    }

    /// <summary>The damped moments of each input alone: how much an error of its weights counts when inputs are taken as independent.</summary>
    internal float[] Importance()
    {
        float damping = Damping * MeanMoment();
        float[] result = new float[Inputs];
        for (int i = 0; i < Inputs; i++)
        {
            result[i] = sums[i * Inputs + i] + damping;
        }

        return result;
    }

    /// <summary>Makes them the moments of X/s.</summary>
    /// <param name="scales">Powers of two, [inputs], so that nothing is rounded.</param>
    internal void Divide(float[] scales)
    {
        for (int i = 0; i < Inputs; i++)
        {
            Span<float> row = sums.AsSpan(i * Inputs, Inputs);
            TensorPrimitives.Divide(row, scales, row);
            TensorPrimitives.Divide(row, scales[i], row);
        }
    }

    /// <summary>
    /// U of XᵀX + damping = UᵀU, by rows; null when no input was ever other than zero, or nothing makes the matrix positive definite. It takes the place of
    /// the moments, which are gone afterwards; half as much memory is needed on the way.
    /// </summary>
    internal float[]? Factor(CancellationToken cancellation = default)
    {
        float mean = MeanMoment();
        if (!(mean > 0))
        {
            return null;
        }

        float[] triangle = UpperTriangle();
        for (float damping = Damping; damping <= StrongestDamping; damping *= 10)
        {
            for (int i = 0, at = 0; i < Inputs; at += Inputs - i++)
            {
                triangle.AsSpan(at, Inputs - i).CopyTo(sums.AsSpan(i * Inputs + i));
                sums[i * Inputs + i] += damping * mean;
            }

            if (Cholesky.TryFactor(sums, Inputs, cancellation))
            {
                return sums;
            }
        }

        return null;
    }

    /// <summary>Row after row from the diagonal on: what factoring in place leaves nothing of when it fails.</summary>
    private float[] UpperTriangle()
    {
        float[] triangle = new float[(long)Inputs * (Inputs + 1) / 2];
        for (int i = 0, at = 0; i < Inputs; at += Inputs - i++)
        {
            sums.AsSpan(i * Inputs + i, Inputs - i).CopyTo(triangle.AsSpan(at));
        }

        return triangle;
    }

    private float MeanMoment()
    {
        double sum = 0;
        for (int i = 0; i < Inputs; i++)
        {
            sum += sums[i * Inputs + i];
        }

        return (float)(sum / Inputs);
    }
}
