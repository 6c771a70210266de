using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Contracts;

/// <summary>Everything that a request reads: the model, a teacher and a student, their external data, and the data sets with what belongs to them.</summary>
public static class RequestInputs
{
    private const string ModelRole = "model";
    private const string TeacherRole = "teacher";
    private const string StudentRole = "student";

    // A file that was written while the digests were being made has a time before they were done.
    private static readonly TimeSpan s_longestDigest = TimeSpan.FromMinutes(5);

    /// <summary>Reads and hashes the inputs of a request; those that do not exist are left out.</summary>
    /// <param name="request">The request, whose paths are full.</param>
    /// <param name="cancelled">Asked between files.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancelled"/> said so.</exception>
    public static IEnumerable<InputDigest> Digest(OptimizationRequest request, Func<bool> cancelled) =>
        Models(request.ModelPath).Concat(Companions(request)).Where(input => File.Exists(input.Path))
            .Concat(DataSets(request).SelectMany(data => Data(data.Role, data.Path)))
            .Select(input => Digest(input.Role, input.Path, cancelled));

    /// <summary>The data sets that a request names, by their roles and the metadata that name them, whether they exist or not.</summary>
    public static IEnumerable<(string Role, string Metadata, string Path)> DataSets(OptimizationRequest request) => Named(
        ("calibration", MetadataNames.CalibrationData, request.CalibrationData),
        ("evaluation", MetadataNames.EvaluationData, request.EvaluationData),
        ("training", MetadataNames.TrainingData, request.TrainingData));

    /// <summary>The models that a request names besides the one that it is about, as <see cref="DataSets"/>.</summary>
    public static IEnumerable<(string Role, string Metadata, string Path)> OtherModels(OptimizationRequest request) => Named(
        (TeacherRole, MetadataNames.Teacher, request.Teacher),
        (StudentRole, MetadataNames.Student, request.Student));

    /// <summary>What of these two is not there: a data set is a file or a folder, a model a file.</summary>
    public static IEnumerable<(string Role, string Metadata, string Path)> Missing(OptimizationRequest request) =>
        DataSets(request).Where(data => !File.Exists(data.Path) && !Directory.Exists(data.Path)).Concat(OtherModels(request).Where(model => !File.Exists(model.Path)));

    /// <summary>The files of <see cref="OtherModels"/>, each with its role, such as <c>teacher/external/weights.bin</c>.</summary>
    public static IEnumerable<(string Role, string Path)> Companions(OptimizationRequest request) =>
        OtherModels(request).Where(model => File.Exists(model.Path)).SelectMany(model => Models(model.Path).Select(file => (file.Role == ModelRole ? model.Role : $"{model.Role}/{file.Role}", file.Path)));

    /// <summary>
    /// The model and its external data, whether they exist or not, each with its role; see <see cref="InputDigest.Role"/>. A location outside
    /// the model's folder is not followed: the worker refuses such a model.
    /// </summary>
    public static IEnumerable<(string Role, string Path)> Models(string modelPath)
    {
        var folder = Path.GetDirectoryName(modelPath)!;
        return new[] { (ModelRole, modelPath) }
            .Concat(ExternalFiles.Of(modelPath).Where(file => IsInside(folder, file)).Select(file => ($"external/{file}", Path.GetFullPath(Path.Combine(folder, file)))));
    }

    /// <summary>
    /// Whether the inputs still are what their digests say, so that what was computed from them may be kept under these. Reads them again
    /// only where their times leave a doubt.
    /// </summary>
    public static bool AreUnchanged(OptimizationRequest request)
    {
        var latest = request.DigestedUtc - s_longestDigest;
        return request.Inputs.Concat(request.Measurements).All(input => FilesOf(input.Path).All(file => File.GetLastWriteTimeUtc(file) < latest) || Digest(input.Role, input.Path, () => false).Sha256 == input.Sha256);
    }

    /// <summary>A measurement file as an input of a request.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static InputDigest OfMeasurement(string path) => Digest("measurement", path, () => false);

    /// <summary>What a model is known by: the SHA-256 of its file when it is the only one, else over the role and SHA-256 of each of its files.</summary>
    public static string DigestOfModel(IEnumerable<InputDigest> inputs) => LockedSettings.DigestOf(inputs.Where(input => input.IsModel));

    /// <inheritdoc cref="DigestOfModel(IEnumerable{InputDigest})"/>
    /// <param name="modelPath">Full path of the model.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string DigestOfModel(string modelPath) => DigestOfModel(Models(modelPath).Where(input => File.Exists(input.Path)).Select(input => Digest(input.Role, input.Path, () => false)));

    /// <summary>The file itself, or every file below the folder.</summary>
    public static IEnumerable<string> FilesOf(string path) =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories) : [path];

    private static IEnumerable<(string Role, string Metadata, string Path)> Named(params (string Role, string Metadata, string? Path)[] inputs) =>
        inputs.Where(input => input.Path is not null).Select(input => (input.Role, input.Metadata, input.Path!));

    private static bool IsInside(string folder, string location)
    {
        try
        {
            return !Path.IsPathRooted(location) &&
                Path.GetFullPath(Path.Combine(folder, location)).StartsWith(folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException or PathTooLongException)
        {
            return false;
        }
    }

    private static IEnumerable<(string Role, string Path)> Data(string role, string path)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            return [];
        }

        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(path)!;
        return DataFiles.Of(path).Select(file => (file == path ? role : $"{role}/{ContentDigest.Relative(folder, file)}", file));
    }

    private static InputDigest Digest(string role, string path, Func<bool> cancelled)
    {
        var files = FilesOf(path).ToList();
        return new InputDigest
        {
            Role = role,
            Path = path,
            Files = files.Count,
            Length = files.Sum(file => new FileInfo(file).Length),
            Sha256 = Directory.Exists(path) ? ContentDigest.OfFiles(path, files, cancelled) : ContentDigest.OfFile(path),
        };
    }
}
