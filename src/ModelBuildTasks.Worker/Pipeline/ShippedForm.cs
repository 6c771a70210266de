using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// What ships in place of an ONNX artifact with <c>Format="Ort"</c>. Searches and caches keep the ONNX form, which can be read again; the same ONNX file gives the same ORT file. It is what is
/// verified, measured and judged.
/// </summary>
internal static class ShippedForm
{
    /// <summary>A session for the ORT form has other kernels than one for the ONNX form (NCHWc), which add in another order, and what is quantized may round to the neighbour.</summary>
    private const double LeastLikeness = 0.99;

    /// <summary>Bits of weights whose products with 8-bit activations don't saturate without VNNI.</summary>
    private const int UnsaturatedBits = 7;

    /// <summary>ONNX Runtime makes products exact when it optimizes a graph, which it does not do to ORT files; so on any x64 processor weights must not saturate.</summary>
    internal static TargetProfile Profile(OptimizationRequest request, TargetProfile target) =>
        request.Settings.Format == ArtifactFormat.Ort && target.Architecture != Architecture.Arm64 ? target with { WeightBits = Math.Min(target.WeightBits, UnsaturatedBits) } : target;

    /// <summary>Does something with the file that ships, which is made for that time where the artifact itself does not.</summary>
    /// <exception cref="UnconvertibleException">ONNX Runtime can't convert it.</exception>
    internal static T Use<T>(OptimizationRequest request, string artifactPath, Func<string, T> action)
    {
        if (request.Settings.Format == ArtifactFormat.Onnx)
        {
            return action(artifactPath);
        }

        string path = $"{artifactPath}{OrtFormat.Extension}";
        try
        {
            OrtFormat.Write(artifactPath, path, keepsSignedActivations: request.Target == TargetNames.CpuArm64);
            return action(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>What is known of the artifact, of the file that ships.</summary>
    internal static Outcome Describe(OptimizationRequest request, Outcome outcome, string path) =>
        request.Settings.Format == ArtifactFormat.Onnx ? outcome : outcome with { ArtifactSha256 = ContentDigest.OfFile(path), ArtifactBytes = new FileInfo(path).Length };

    /// <summary>Tells the result which operators the file needs, and proves that apps can load it from memory, as they do where it is embedded.</summary>
    /// <exception cref="UnconvertibleException">ONNX Runtime does not load it so.</exception>
    internal static void AddOperators(OptimizationRequest request, OptimizationResult result, string path)
    {
        if (request.Settings.Format == ArtifactFormat.Onnx)
        {
            return;
        }

        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            ModelSession.Open(bytes).Dispose();
            result.RequiredOperators = OrtFormat.RequiredOperators(bytes);
        }
        catch (Exception fault) when (fault is InferenceException or InvalidDataException)
        {
            throw new UnconvertibleException(fault.Message, fault);
        }
    }

    /// <summary>Whether the form that ships gives what the artifact gives.</summary>
    /// <returns>Why it does not, as a clause; null when it does, or is the artifact.</returns>
    internal static string? Difference(OptimizationRequest request, string artifactPath, ModelSession shipped, IReadOnlyList<IReadOnlyList<Tensor>> inputs)
    {
        if (request.Settings.Format == ArtifactFormat.Onnx)
        {
            return null;
        }

        using ModelSession artifact = ModelSession.Open(artifactPath);
        foreach (IReadOnlyList<Tensor> input in inputs)
        {
            IReadOnlyList<Tensor> expected = artifact.Run(input);
            IReadOnlyList<Tensor> found = shipped.Run(input);
            for (int i = 0; i < expected.Count; i++)
            {
                double likeness = Likeness.Of(found[i], expected[i]);
                if (likeness < LeastLikeness)
                {
                    return FormattableString.Invariant($"in ORT format output '{shipped.Outputs[i].Name}' is another: its cosine to that of the ONNX form is {likeness:0.000}");
                }
            }
        }

        return null;
    }
}
