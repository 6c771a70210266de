using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The model as the project has it: read once, loaded in ONNX Runtime, never written.</summary>
internal sealed class SourceModel : IDisposable
{
    private SourceModel(string path, Model model, ModelSession session)
    {
        Path = path;
        Model = model;
        Session = session;
        Bytes = SizeOf(path, model.ExternalDataFiles);
    }

    internal string Path { get; }

    internal Model Model { get; }

    internal ModelSession Session { get; }

    /// <summary>Size of the file and of its external data.</summary>
    internal long Bytes { get; }

    /// <summary>An input or output that is not a tensor of numbers (a sequence, a map, strings); null when there is none.</summary>
    internal TensorSignature? Opaque => Session.Inputs.Concat(Session.Outputs).FirstOrDefault(signature => signature.ElementType.BitsPerElement() == 0);

    /// <exception cref="ModelFormatException">It is not a whole ONNX model.</exception>
    /// <exception cref="InferenceException">ONNX Runtime refuses it.</exception>
    internal static SourceModel Load(string path)
    {
        Model model;
        try
        {
            model = Model.Load(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(ModelFormatError.Truncated, $"It cannot be read: {exception.Message}", exception);
        }

        return new SourceModel(path, model, ModelSession.Open(path));
    }

    public void Dispose() => Session.Dispose();

    private static long SizeOf(string path, IReadOnlyList<string> externalData) =>
        new FileInfo(path).Length + externalData.Sum(file => new FileInfo(file).Length);
}
