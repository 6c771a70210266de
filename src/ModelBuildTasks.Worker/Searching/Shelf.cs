using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>The files of the best trials so far, beside where candidates are written. What falls behind is deleted, so that a search takes the room of a few artifacts, however long it is.</summary>
internal sealed class Shelf(ShippedForm shipped) : IDisposable
{
    /// <summary>As many as are compared with one another at the end.</summary>
    internal const int Places = 4;

    private readonly Dictionary<Trial, KeptFile> files = new(ReferenceEqualityComparer.Instance);

    /// <summary>Weights in files of their own that were not there before. Their names are their digests: trials of equal weights share one.</summary>
    private readonly HashSet<string> ownData = new(StringComparer.Ordinal);

    /// <summary>Those of them that go with what was taken last.</summary>
    private string? lentData;

    private int number;

    public void Dispose()
    {
        foreach (Trial trial in files.Keys.ToArray())
        {
            Delete(trial);
        }
    }

    /// <summary>Keeps the candidate that was written last as that of a trial.</summary>
    internal void Keep(Trial trial)
    {
        string path = $"{shipped.ArtifactPath}.{number++}.staged";
        if (shipped.SetAside(path) is { } written)
        {
            ownData.Add(written);
        }

        string? name = trial.Outcome!.ExternalData;
        files.Add(trial, new KeptFile(path, name is null ? null : Path.Combine(Path.GetDirectoryName(path)!, name)));
    }

    /// <summary>Deletes all but the first.</summary>
    /// <param name="best">All trials that have a file, the best first.</param>
    internal void Tidy(IEnumerable<Trial> best)
    {
        HashSet<Trial> kept = new(best.Where(files.ContainsKey).Take(Places), ReferenceEqualityComparer.Instance);
        foreach (Trial trial in files.Keys.Where(trial => !kept.Contains(trial)).ToArray())
        {
            Delete(trial);
        }
    }

    /// <summary>The path of a trial's ONNX form; null where it is not kept.</summary>
    internal string? PathOf(Trial trial) => files.TryGetValue(trial, out KeptFile? file) ? file.Path : null;

    /// <summary>A trial is known by another object from here on.</summary>
    internal void Rename(Trial trial, Trial renamed)
    {
        if (files.Remove(trial, out KeptFile? file))
        {
            files.Add(renamed, file);
        }
    }

    /// <summary>Puts a trial's file where candidates are written.</summary>
    internal void Take(Trial trial)
    {
        files.Remove(trial, out KeptFile? file);
        if (lentData is { } lent && (lent == file!.DataPath || IsNeeded(lent)))
        {
            shipped.KeepData();
            ownData.Add(lent);
        }

        lentData = file!.DataPath is { } data && ownData.Remove(data) ? data : null;
        shipped.TakeBack(file.Path, trial.Outcome!, ownsData: lentData is not null);
    }

    private void Delete(Trial trial)
    {
        files.Remove(trial, out KeptFile? file);
        File.Delete(file!.Path);
        if (file.DataPath is { } data && !IsNeeded(data) && ownData.Remove(data))
        {
            File.Delete(data);
        }
    }

    private bool IsNeeded(string data) => files.Values.Any(file => file.DataPath == data);

    /// <param name="Path">The model.</param>
    /// <param name="DataPath">Its weights, where they are in a file of their own.</param>
    private sealed record KeptFile(string Path, string? DataPath);
}
