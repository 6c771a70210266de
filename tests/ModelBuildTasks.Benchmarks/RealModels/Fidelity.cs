using System.Globalization;
using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Benchmarks;

/// <summary>How close an optimized form of a model is to it, as text; a dash where a measure does not fit the outputs.</summary>
/// <param name="Labels">Accuracy of both by labels.</param>
/// <param name="SameClass">The share of samples with the same best class.</param>
/// <param name="Overlap">Of detections.</param>
/// <param name="SignalToNoise">In decibels, of the worst output.</param>
internal sealed record Fidelity(string Labels, string SameClass, string Overlap, string SignalToNoise)
{
    internal static Fidelity Compare(OutputKind kind, byte[] simplified, byte[] quantized, Dataset evaluation)
    {
        using ModelSession original = ModelSession.Open(simplified, new SessionSettings(Environment.ProcessorCount));
        using ModelSession optimized = ModelSession.Open(quantized, new SessionSettings(Environment.ProcessorCount));
        int samples = 0, same = 0, originalHits = 0, optimizedHits = 0;
        DetectionOverlap overlap = new();
        (double Signal, double Noise)[] energies = new (double, double)[original.Outputs.Count];
        foreach (Sample sample in evaluation.Read())
        {
            IReadOnlyList<Tensor> expected = original.Run(sample.Inputs);
            IReadOnlyList<Tensor> actual = optimized.Run(sample.Inputs);
            samples++;
            for (int i = 0; i < expected.Count; i++)
            {
                float[] reference = expected[i].ToSingles();
                energies[i].Signal += TensorPrimitives.SumOfSquares(reference);
                energies[i].Noise += reference.Zip(actual[i].ToSingles(), (x, y) => ((double)x - y) * (x - y)).Sum();
            }

            if (kind == OutputKind.Boxes)
            {
                overlap.Add(expected, actual);
            }
            else if (kind == OutputKind.Classes)
            {
                (int first, int second) = (Best(expected[0]), Best(actual[0]));
                same += first == second ? 1 : 0;
                if (sample.Label is { } label)
                {
                    int truth = (int)label.ToSingles()[0];
                    originalHits += first == truth ? 1 : 0;
                    optimizedHits += second == truth ? 1 : 0;
                }
            }
        }

        double decibels = energies.Min(energy => 10 * Math.Log10(energy.Signal / energy.Noise));
        return new Fidelity(
            evaluation.HasLabels ? Text($"{originalHits / (double)samples:0.0000} → {optimizedHits / (double)samples:0.0000}") : "–",
            kind == OutputKind.Classes ? Text($"{same / (double)samples:0.0000}") : "–",
            kind == OutputKind.Boxes ? Text($"{overlap.Value:0.000}") : "–",
            Text($"{decibels:0.0}"));
    }

    private static int Best(Tensor scores) => TensorPrimitives.IndexOfMax(scores.Span<float>());

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
