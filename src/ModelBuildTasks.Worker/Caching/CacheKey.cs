using System.Security.Cryptography;
using System.Text;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>
/// What an artifact and its measurements depend on, hashed: the bytes of the model and of its data (never their paths or
/// times), the settings, the target, this program, ONNX Runtime, and the processor that latency was measured on.
/// </summary>
internal sealed class CacheKey
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds one setting.</summary>
    internal CacheKey Add(string name, object? value)
    {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        byte[] text = Encoding.UTF8.GetBytes($"{name}={value ?? "-"}");
        hash.AppendData(BitConverter.GetBytes(text.Length));
        hash.AppendData(text);
        return this;
    }

    /// <summary>Adds the contents of a file.</summary>
    internal CacheKey AddContents(string name, string path) => Add(name, Sha256(path));

    /// <summary>Adds every member of the settings.</summary>
    internal CacheKey Add(ModelSettings settings) => Add("precision", settings.Precision)
        .Add("quantization", settings.Quantization)
        .Add("calibration", settings.Calibration)
        .Add("pruning", settings.Pruning)
        .Add("sparsity", settings.Sparsity)
        .Add("threshold", settings.PruningThreshold)
        .Add("scope", settings.PruningScope)
        .Add("fine-tune", settings.FineTune)
        .Add("metric", settings.Metric)
        .Add("objective", settings.Objective)
        .Add("format", settings.Format);

    /// <summary>The key, in lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(hash.GetCurrentHash());

    /// <summary>SHA-256 of a file, in lower-case hexadecimal.</summary>
    internal static string Sha256(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
