using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// What ships of an artifact: the ONNX file itself, or with <c>Format="Ort"</c> what ONNX Runtime makes of it. Searches and caches keep the ONNX form, which can be read again; the same ONNX
/// file gives the same ORT file. What ships is what is verified, measured and judged.
/// </summary>
/// <param name="request">What was asked for.</param>
/// <param name="artifactPath">Where the ONNX form of one candidate after the other is written.</param>
internal sealed class ShippedForm(OptimizationRequest request, string artifactPath) : IDisposable
{
    /// <summary>The SHA-256 of the ONNX form that was converted last.</summary>
    private string? converted;

    private string ConvertedPath => $"{artifactPath}{OrtFormat.Extension}";

    /// <summary>Where the ONNX form lies.</summary>
    internal string ArtifactPath => artifactPath;

    private bool IsConverted => request.Settings.Format == ArtifactFormat.Ort;

    public void Dispose() => File.Delete(ConvertedPath);

    /// <summary>The target as a form needs it: nothing makes the products of an ORT file exact where it is loaded.</summary>
    internal static TargetProfile Profile(OptimizationRequest request, TargetProfile target) =>
        request.Settings.Format == ArtifactFormat.Ort ? target with { WeightBits = target.UnsaturatedWeightBits } : target;

    /// <summary>The file that ships, made of the ONNX form that lies there now.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="UnconvertibleException">ONNX Runtime can't convert it.</exception>
    internal string Make()
    {
        if (!IsConverted)
        {
            return artifactPath;
        }

        string digest = ContentDigest.OfFile(artifactPath);
        if (digest != converted)
        {
            converted = null;
            Convert(artifactPath, ConvertedPath);
            converted = digest;
        }

        return ConvertedPath;
    }

    /// <summary>A session for what ships; for an ORT file from memory, as apps load it where it is embedded.</summary>
    /// <exception cref="UnconvertibleException">ONNX Runtime can't convert it.</exception>
    /// <exception cref="InferenceException">ONNX Runtime can't load it.</exception>
    internal ModelSession Open() => IsConverted ? ModelSession.Open(File.ReadAllBytes(Make())) : ModelSession.Open(artifactPath);

    /// <summary>A session for another model in the form in which it would ship.</summary>
    /// <inheritdoc cref="Open()"/>
    internal ModelSession Open(Model other)
    {
        if (!IsConverted)
        {
            return ModelSession.Open(other);
        }

        string path = $"{artifactPath}.other.staged";
        string convertedPath = $"{path}{OrtFormat.Extension}";
        try
        {
            other.Save(path);
            Convert(path, convertedPath);
            return ModelSession.Open(File.ReadAllBytes(convertedPath));
        }
        finally
        {
            File.Delete(path);
            File.Delete(convertedPath);
        }
    }

    /// <summary>What is known of the artifact, of the file that ships.</summary>
    internal Outcome Describe(Outcome outcome) =>
        IsConverted && Make() is var path ? outcome with { ArtifactSha256 = ContentDigest.OfFile(path), ArtifactBytes = new FileInfo(path).Length } : outcome;

    /// <summary>The operators that the file needs; empty for ONNX, whose readers have all of them.</summary>
    /// <exception cref="UnconvertibleException">The file is not what ONNX Runtime should have written.</exception>
    internal IReadOnlyList<string> RequiredOperators()
    {
        try
        {
            return IsConverted ? OrtFormat.RequiredOperators(File.ReadAllBytes(Make())) : [];
        }
        catch (InvalidDataException fault)
        {
            throw new UnconvertibleException(fault.Message, fault);
        }
    }

    /// <summary>Whether the form that ships gives what the artifact gives.</summary>
    /// <returns>Why it does not, as a clause; null when it does, or is the artifact.</returns>
    internal string? Difference(ModelSession shipped, IReadOnlyList<IReadOnlyList<Tensor>> inputs)
    {
        if (!IsConverted)
        {
            return null;
        }

        using ModelSession artifact = ModelSession.Open(artifactPath);
        foreach (IReadOnlyList<Tensor> input in inputs)
        {
            // A session for the ORT form has other kernels than one for the ONNX form (NCHWc).
            if (Verification.FirstUnlike(shipped.Run(input), artifact.Run(input)) is var (output, likeness))
            {
                return FormattableString.Invariant($"in ORT format output '{shipped.Outputs[output].Name}' is another: its cosine to that of the ONNX form is {likeness:0.000}");
            }
        }

        return null;
    }

    private void Convert(string from, string to) => OrtFormat.Write(from, to, keepsSignedActivations: request.Target == TargetNames.CpuArm64);
}
