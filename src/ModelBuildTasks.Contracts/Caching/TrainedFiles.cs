using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>The files of the folder that a project names as ModelTrainedWeights: trained models, by model, target and SHA-256.</summary>
public static class TrainedFiles
{
    /// <summary>Digits of the hash in a name: enough to tell files apart, for what they hold is checked.</summary>
    private const int DigitsInName = 16;

    /// <param name="directory">Full path of the folder.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="target">The target's.</param>
    /// <param name="sha256">64 hexadecimal digits.</param>
    /// <returns>Full path of the file, which need not be there.</returns>
    public static string PathOf(string directory, string model, string target, string sha256) =>
        Path.Combine(directory, $"{ModelFileName.Of(model)}.{target}.{sha256.Substring(0, DigitsInName)}.onnx");

    /// <summary>Whether the folder that a request names has all that an artifact was made with; so has no folder.</summary>
    internal static bool HaveAll(OptimizationRequest request, IEnumerable<string> hashes) =>
        request.TrainedWeightsDirectory is not { } directory || hashes.Where(ContentHash.IsHash).All(sha256 => File.Exists(PathOf(directory, request.Name, request.Target, sha256)));
}
