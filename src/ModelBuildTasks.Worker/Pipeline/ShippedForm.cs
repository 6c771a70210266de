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
        // A source that may not be written would give that to its copy, which the next build could not replace.
        File.SetAttributes(artifactPath, FileAttributes.Normal);
    }

    /// <summary>Leaves a copy of the candidate at another place, for which its weights stay where they are.</summary>
    /// <returns>Full path of the weights, where they have to go with the copy.</returns>
    internal string? SetAside(string path)
    {
        File.Copy(artifactPath, path, overwrite: true);
        string? data = isDataOurs ? DataPath : null;
        isDataOurs = false;
        return data;
    }

    /// <summary>Puts what was set aside in the place of the last candidate.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="outcome">What is known of it.</param>
    /// <param name="ownsData">Whether its weights go with it.</param>
    internal void TakeBack(string path, Outcome outcome, bool ownsData)
    {
        DropData();
        File.Move(path, artifactPath, overwrite: true);
        (ExternalData, isDataOurs) = (outcome.ExternalData, ownsData);
    }

    /// <summary>Takes what a cache has put there.</summary>
    internal Outcome Take(Outcome restored)
    {
        ExternalData = restored.ExternalData;
        return restored;
    }

    /// <summary>Leaves the file with the weights where it is, for the artifact is about to be used.</summary>
    internal void KeepData() => isDataOurs = false;

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
            // A session for the ORT form has other kernels than one for the ONNX form (NCHWc).
            if (Verification.FirstUnlike(shipped.Run(input), artifact.Run(input)) is var (output, likeness))
            {
                return FormattableString.Invariant($"in ORT format output '{shipped.Outputs[output].Name}' is another: its cosine to that of the ONNX form is {likeness:0.000}");
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
