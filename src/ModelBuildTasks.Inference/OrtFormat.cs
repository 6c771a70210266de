using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace ModelBuildTasks.Inference;

/// <summary>A model that ONNX Runtime can't write in its own format.</summary>
public sealed class UnconvertibleException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Models in ONNX Runtime's own format, which builds without ONNX read (ONNX Runtime, "ORT model format"). The optimizations are those that
/// ONNX Runtime has for such builds, so no layout of the processor that converts comes in (NCHWc, prepacked weights). They are applied rather than recorded for the session that loads the file:
/// a full build of 1.31 leaves what is recorded undone, and computes in float what should be integers.
/// </summary>
public static class OrtFormat
{
    /// <summary>What such a file is called: by the extension ONNX Runtime tells the format of a path.</summary>
    public const string Extension = ".ort";

    // onnxruntime_session_options_config_keys.h.
    private const string SavedFormat = "session.save_model_format";
    private const string Optimizations = "optimization.minimal_build_optimizations";
    private const string KeepsSignedActivations = "session.qdqisint8allowed";

    /// <summary>Whether a path is that of such a file.</summary>
    public static bool IsNamed(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Writes an ONNX model in ORT format.</summary>
    /// <param name="modelPath">The ONNX model.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="keepsSignedActivations">Whether 8-bit activations stay signed, which is what Arm's kernels are for; else they become unsigned, which x64's are for.</param>
    /// <exception cref="UnconvertibleException">ONNX Runtime refuses the model, or can't write it in this format; the message is its reason.</exception>
    public static void Write(string modelPath, string path, bool keepsSignedActivations)
    {
        using SessionOptions options = new()
        {
            OptimizedModelFilePath = path,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            IntraOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        options.AddSessionConfigEntry(SavedFormat, "ORT");
        options.AddSessionConfigEntry(Optimizations, "apply");
        options.AddSessionConfigEntry(KeepsSignedActivations, keepsSignedActivations ? "1" : "0");
        try
        {
            new InferenceSession(modelPath, options).Dispose();
            File.WriteAllBytes(path, OrtKernelTypes.Sort(File.ReadAllBytes(path)));
        }
        catch (InvalidDataException exception)
        {
            throw new UnconvertibleException(exception.Message, exception);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new UnconvertibleException($"ONNX Runtime can't write it in ORT format: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// The operators that a build of ONNX Runtime needs to run a model: the lines of its configuration file for reduced builds, such as
    /// <c>ai.onnx;11;Conv,Relu</c> (ONNX Runtime, "Reduced operator config file"), by domain and version.
    /// </summary>
    /// <param name="model">A file in ORT format.</param>
    /// <exception cref="InvalidDataException">It is none, or damaged.</exception>
    public static IReadOnlyList<string> RequiredOperators(byte[] model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return [.. OrtFormatReader.Operators(model)
            .GroupBy(used => (Domain: used.Domain.Length == 0 ? "ai.onnx" : used.Domain, used.Version))
            .OrderBy(group => group.Key.Domain, StringComparer.Ordinal).ThenBy(group => group.Key.Version)
            .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key.Domain};{group.Key.Version};{string.Join(',', group.Select(used => used.Name).Order(StringComparer.Ordinal))}"))];
    }
}
