using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference;

/// <summary>
/// A model in a temporary folder with its weights in a file of their own, which ONNX Runtime maps: a model as one array of bytes
/// would hold the weights once there and once more in the session.
/// </summary>
public sealed class TemporaryModel : IDisposable
{
    private readonly string folder;

    /// <exception cref="IOException">The temporary folder has no room for the weights.</exception>
    public TemporaryModel(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;
        Path = System.IO.Path.Combine(folder, "model.onnx");
        try
        {
            model.Save(Path, WeightPlacement.External);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model's file.</summary>
    public string Path { get; }

    /// <summary>Deletes the files.</summary>
    public void Dispose() => Directory.Delete(folder, recursive: true);
}
