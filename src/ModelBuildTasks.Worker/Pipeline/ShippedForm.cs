using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
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
/// <param name="largestFile">What one file holds; a larger artifact is two, in ONNX form only.</param>
internal sealed class ShippedForm(OptimizationRequest request, string artifactPath, long largestFile = Model.LargestFile) : IDisposable
{
    /// <summary>What the file with an artifact's weights ends in, as exporters have it.</summary>
    private const string DataExtension = ".data";

    /// <summary>Whether the file with the weights was not there before, and goes with the candidate.</summary>
    private bool isDataOurs;

    /// <summary>The SHA-256 of the ONNX form that was converted last.</summary>
    private string? converted;

    private string ConvertedPath => $"{artifactPath}{OrtFormat.Extension}";

    /// <summary>Where the ONNX form lies.</summary>
    internal string ArtifactPath => artifactPath;

    private bool IsConverted => request.Settings.Format == ArtifactFormat.Ort;

    /// <summary>The name of the file beside the artifact that holds its weights; null where it is one file.</summary>
    internal string? ExternalData { get; private set; }

    /// <summary>Bytes of the ONNX form, external data included.</summary>
    internal long ArtifactBytes => BytesOf(artifactPath);

    /// <summary>Bytes of what ships, external data included.</summary>
    /// <exception cref="UnconvertibleException">ONNX Runtime can't convert it.</exception>
    internal long ShippedBytes => BytesOf(Make());

    private string? DataPath => ExternalData is { } name ? Path.Combine(Path.GetDirectoryName(artifactPath)!, name) : null;

    public void Dispose()
    {
        File.Delete(ConvertedPath);
        DropData();
    }

    /// <summary>Whether a model can ship: an ORT file is one file.</summary>
    internal bool CanShip(Model model) => !IsConverted || !model.NeedsExternalData(largestFile);

    /// <summary>Writes a candidate in the place of the last one, in two files where one can't hold it.</summary>
    internal void Save(Model model)
    {
        DropData();
        if (!model.NeedsExternalData(largestFile))
        {
            model.Save(artifactPath);
            return;
        }

        ExternalData = model.SaveInTwo(artifactPath, sha256 =>
        {
            // By the target, too: a package has a folder for each.
            string name = $"{request.Target}.{sha256}{DataExtension}";
            isDataOurs = !File.Exists(Path.Combine(Path.GetDirectoryName(artifactPath)!, name));
            return name;
        });
    }

    /// <summary>Takes a model that is one file as it is.</summary>
    internal void Copy(string modelPath)
    {
        DropData();
        File.Copy(modelPath, artifactPath, overwrite: true);
    }

    /// <summary>Takes what a cache has put there.</summary>
    internal Outcome Take(Outcome restored)
    {
        ExternalData = restored.ExternalData;
        return restored;
    }

    /// <summary>Leaves the file with the weights where it is, for the artifact is about to be used.</summary>
    internal void KeepData() => isDataOurs = false;

    /// <summary>A session for the ORT form has other kernels than one for the ONNX form (NCHWc), which add in another order, and what is quantized may round to the neighbour.</summary>
    private const double LeastLikeness = 0.99;

    /// <summary>Bits of weights whose products with 8-bit activations don't saturate without VNNI.</summary>
    private const int UnsaturatedBits = 7;

    /// <summary>ONNX Runtime makes products exact when it optimizes a graph, which it does not do to ORT files; so on any x64 processor weights must not saturate.</summary>
    internal static TargetProfile Profile(OptimizationRequest request, TargetProfile target) =>
        request.Settings.Format == ArtifactFormat.Ort && target.Architecture != Architecture.Arm64 ? target with { WeightBits = Math.Min(target.WeightBits, UnsaturatedBits) } : target;

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

    /// <summary>The files that ship.</summary>
    /// <exception cref="UnconvertibleException">ONNX Runtime can't convert it.</exception>
    internal IReadOnlyList<string> Files() => DataPath is { } data ? [Make(), data] : [Make()];

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

        string path = $"{artifactPath}.other";
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
        IsConverted && Make() is var path ? outcome with { ArtifactSha256 = ContentDigest.OfFile(path), ArtifactBytes = BytesOf(path) } : outcome;

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

    private long BytesOf(string path) => new FileInfo(path).Length + (DataPath is { } data ? new FileInfo(data).Length : 0);

    private void DropData()
    {
        if (isDataOurs && DataPath is { } data)
        {
            File.Delete(data);
        }

        (ExternalData, isDataOurs) = (null, false);
    }

    private void Convert(string from, string to) => OrtFormat.Write(from, to, keepsSignedActivations: request.Target == TargetNames.CpuArm64);
}
