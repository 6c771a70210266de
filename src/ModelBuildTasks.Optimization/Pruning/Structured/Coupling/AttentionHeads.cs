using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>
/// Attention by heads: [batch, length, heads · width] each of queries, keys and values. A head goes as a whole, in all three; the scale 1/√width stays (ONNX
/// Runtime docs/ContribOperators.md, com.microsoft.MultiHeadAttention).
/// </summary>
internal static class AttentionHeads
{
    private const int Operands = 3;

    internal static void MultiHeadAttention(NodeChannels node)
    {
        int heads = (int)node.Node.GetInt("num_heads", 1);
        if (Enumerable.Range(0, Operands).Any(input => node.Shape(input)?.Count != Operands) || node.Node.Inputs.Skip(Operands).Any(other => other is not null))
        {
            return;
        }

        int[][] operands = [.. Enumerable.Range(0, Operands).Select(input => node.Peek(input, 2) ?? [])];
        if (operands.Any(channels => channels.Length == 0 || channels.Length % heads != 0))
        {
            return;
        }

        for (int operand = 0; operand < Operands; operand++)
        {
            int[] channels = node.Read(operand, 2)!;
            int width = channels.Length / heads;
            for (int i = 0; i < channels.Length; i++)
            {
                node.Join(operands[0][i / width * (operands[0].Length / heads)], channels[i]);
            }
        }

        node.Give(0, 2, operands[2]);
        int queryWidth = operands[0].Length / heads;
        node.WhenRemoved(operands[0], removal => node.Node.Set("num_heads", (long)removal.Count(operands[0]) / queryWidth));
    }
}
