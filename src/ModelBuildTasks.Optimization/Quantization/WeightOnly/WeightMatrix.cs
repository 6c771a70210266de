using System.Numerics;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// A stored weight seen as [inputs, outputs], whichever way it lies, and read in place: the weights of a large model are mapped from its file.
/// </summary>
/// <param name="Stored">Float; [inputs, outputs], or [outputs, inputs] when <paramref name="IsTransposed"/>.</param>
/// <param name="Factor">What each weight is multiplied by: the alpha of a Gemm.</param>
/// <param name="InputScales">What the weights of each input are multiplied by, too, [inputs]; null for nothing.</param>
internal sealed record WeightMatrix(Tensor Stored, bool IsTransposed, float Factor = 1, float[]? InputScales = null)
{
    internal int Inputs => (int)Stored.Dimensions[IsTransposed ? 1 : 0];

    internal int Outputs => (int)Stored.Dimensions[IsTransposed ? 0 : 1];

    /// <summary>The number of vectors that hold one weight of every output.</summary>
    internal int LaneGroups => (Outputs + Vector<float>.Count - 1) / Vector<float>.Count;

    /// <summary>
    /// Reads the weights of inputs <paramref name="firstInput"/> onwards, as many as <paramref name="weights"/> holds, for the outputs of one lane group.
    /// Lanes behind the last output are zero.
    /// </summary>
    internal void Read(int firstInput, int laneGroup, Span<Vector<float>> weights)
    {
        ReadOnlySpan<float> stored = Stored.Span<float>();
        int firstOutput = laneGroup * Vector<float>.Count;
        int lanes = Math.Min(Vector<float>.Count, Outputs - firstOutput);
        Span<float> row = stackalloc float[Vector<float>.Count];
        row.Clear();
        for (int i = 0; i < weights.Length; i++)
        {
            Vector<float> factor = new(Factor * (InputScales?[firstInput + i] ?? 1));
            if (!IsTransposed && lanes == Vector<float>.Count)
            {
                weights[i] = new Vector<float>(stored[((firstInput + i) * Outputs + firstOutput)..]) * factor;
                continue;
            }

            if (IsTransposed)
            {
                for (int lane = 0; lane < lanes; lane++)
                {
                    row[lane] = stored[(firstOutput + lane) * Inputs + firstInput + i];
                }
            }
            else
            {
                stored.Slice((firstInput + i) * Outputs + firstOutput, lanes).CopyTo(row);
            }

            weights[i] = new Vector<float>(row) * factor;
        }
    }
}
