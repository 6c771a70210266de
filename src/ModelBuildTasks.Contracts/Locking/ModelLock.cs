using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>
/// The lock file, <c>models.lock.json</c>: what was made of every model for every target, to be committed beside the project. Written for
/// version control: one value a line, models and targets in ordinal order, no paths, no times.
/// </summary>
public sealed class ModelLock
{
    private const int Version = 1;
    private static readonly string[] s_conflictMarkers = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

    // By model name, then target.
    private readonly SortedDictionary<string, SortedDictionary<string, LockEntry>> _models = new(StringComparer.Ordinal);

    /// <summary>Every entry, in the order of the file.</summary>
    public IEnumerable<(string Model, string Target, LockEntry Entry)> Entries =>
        _models.SelectMany(model => model.Value.Select(target => (model.Key, target.Key, target.Value)));

    public LockEntry? Find(string model, string target) =>
        _models.TryGetValue(model, out var targets) && targets.TryGetValue(target, out var entry) ? entry : null;

    public void Set(string model, string target, LockEntry entry)
    {
        if (!_models.TryGetValue(model, out var targets))
        {
            _models.Add(model, targets = new SortedDictionary<string, LockEntry>(StringComparer.Ordinal));
        }

        targets[target] = entry;
    }

    public void Remove(string model, string target)
    {
        if (_models.TryGetValue(model, out var targets) && targets.Remove(target) && targets.Count == 0)
        {
            _models.Remove(model);
        }
    }

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is no lock file of this version; see <see cref="LineOf"/>.</exception>
    public static ModelLock Read(string path) => Parse(File.ReadAllText(path));

    /// <summary>The line, from 1, that an exception of <see cref="Read"/> is about; 0 when it is about the whole file.</summary>
    public static int LineOf(InvalidDataException fault) => JsonFault.LineOf(fault);

    /// <summary>
    /// Reads the file, or begins with none, lets <paramref name="change"/> edit it, and writes it whole if that made a difference. Builds that do
    /// this at the same time take turns, so that none undoes what another wrote.
    /// </summary>
    /// <returns>Whether the file was written.</returns>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    /// <exception cref="InvalidDataException">The file is no lock file of this version, and was left as it is.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled while another build had its turn.</exception>
    public static bool Update(string path, Action<ModelLock> change, CancellationToken cancellation)
    {
        // Not beside the project, where it would have to be kept out of version control; users share no temporary files.
        using var turn = KeyLock.Acquire(Path.Combine(Path.GetTempPath(), $"modelbuild-{Environment.UserName}"), ContentDigest.OfText(path), cancellation);
        var file = File.Exists(path) ? Read(path) : new ModelLock();
        change(file);
        return WholeFile.WriteIfDifferent(path, file.ToJson());
    }

    /// <exception cref="InvalidDataException">The text is no lock file of this version; see <see cref="LineOf"/>.</exception>
    public static ModelLock Parse(string text)
    {
        try
        {
            return Read(JsonObject.Parse(text));
        }
        catch (InvalidDataException fault) when (LineOf(fault) is var line and > 0 && IsConflict(text, line))
        {
            throw JsonFault.At(line, "a merge conflict is not resolved");
        }
    }

    internal string ToJson() => new JsonWriter().Object(json => json
        .Add("version", Version)
        .Object("models", models =>
        {
            foreach (var model in _models)
            {
                models.Object(model.Key, targets => model.Value.ToList().ForEach(target => targets.Object(target.Key, target.Value.Write)));
            }
        })) + "\n";

    private static ModelLock Read(JsonObject json)
    {
        if (json.Integer("version") is var version && version != Version)
        {
            throw JsonFault.At(Math.Max(1, json.LineOf("version")), version > Version
                ? $"it has version {version}, and this version of ModelBuildTasks reads {Version}; a newer one wrote it"
                : $"it has version {version?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"}, expected {Version}");
        }

        var file = new ModelLock();
        var models = json.Object("models");
        foreach (var model in models?.Names ?? [])
        {
            var targets = models!.Object(model);
            foreach (var target in targets?.Names ?? [])
            {
                file.Set(model, target, LockEntry.Read(targets!.Object(target) ?? throw JsonFault.At(targets.LineOf(target), $"'{target}' is not an object"), targets.LineOf(target)));
            }
        }

        return file;
    }

    private static bool IsConflict(string text, int line) =>
        text.Split('\n').ElementAtOrDefault(line - 1) is { } found && Array.Exists(s_conflictMarkers, marker => found.StartsWith(marker, StringComparison.Ordinal));
}
