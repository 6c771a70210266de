using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Sequences of tokens for a <see cref="TransformerModel"/>, frequent ones more often than rare ones, as in text.</summary>
internal sealed class TokenDataset(int count, int length, int vocabulary, int seed) : Dataset
{
    public override string Path => "generated";

    public override int Count => count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read()
    {
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            yield return new Sample([Tensor.Create([1, length], [.. Enumerable.Range(0, length).Select(_ => (long)Math.Exp(random.NextDouble() * Math.Log(vocabulary)) - 1)])], null);
        }
    }
}
