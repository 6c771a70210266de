using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>The error of another form of a model: for each output the root mean square of the differences over the standard deviation of what the model gives, all samples together.</summary>
internal static class OutputError
{
    /// <returns>That of the worst output; infinite where an output has other numbers that are not finite than the model's, or a constant one differs.</returns>
    internal static double Worst(ModelSession original, ModelSession form, IEnumerable<Sample> samples)
    {
        Sums[] outputs = [.. original.Outputs.Select(_ => new Sums())];
        foreach (Sample sample in samples)
        {
            IReadOnlyList<Tensor> expected = original.Run(sample.Inputs);
            IReadOnlyList<Tensor> found = form.Run(sample.Inputs);
            for (int i = 0; i < outputs.Length; i++)
            {
                outputs[i].Add(expected[i].ToSingles(), found[i].ToSingles());
            }
        }

        return outputs.Max(output => output.Error);
    }

    private sealed class Sums
    {
        private double count, sum, squares, noise;

        internal double Error => noise == 0 ? 0 : Math.Sqrt(noise / count) / Math.Sqrt(Math.Max(0, squares / count - sum / count * (sum / count)));

        internal void Add(float[] expected, float[] found)
        {
            if (expected.Length != found.Length)
            {
                noise = double.PositiveInfinity;
                return;
            }

            for (int i = 0; i < expected.Length; i++)
            {
                double difference = expected[i].Equals(found[i]) ? 0 : (double)expected[i] - found[i];
                noise += double.IsFinite(difference) ? difference * difference : double.PositiveInfinity;
                count++;
                sum += expected[i];
                squares += (double)expected[i] * expected[i];
            }
        }
    }
}
