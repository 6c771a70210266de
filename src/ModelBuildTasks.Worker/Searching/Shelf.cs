using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>The files of the best trials so far, beside where candidates are written. What falls behind is deleted, so that a search takes the room of a few artifacts, however long it is.</summary>
internal sealed class Shelf(ShippedForm shipped) : IDisposable
{
    /// <summary>As many as are compared with one another at the end.</summary>
    internal const int Places = 4;

    private readonly Dictionary<Trial, KeptFile> files = new(ReferenceEqualityComparer.Instance);
    private int number;

    public void Dispose()
    {
        foreach (KeptFile file in files.Values)
        {
            file.Delete();
        }
    }

    /// <summary>Keeps the candidate that was written last as that of a trial.</summary>
    internal void Keep(Trial trial)
    {
        string path = $"{shipped.ArtifactPath}.{number++}.staged";
        files.Add(trial, new KeptFile(path, shipped.SetAside(path)));
    }

    /// <summary>Deletes all but the first.</summary>
    /// <param name="best">All trials that have a file, the best first.</param>
    internal void Tidy(IEnumerable<Trial> best)
    {
        HashSet<Trial> kept = new(best.Where(files.ContainsKey).Take(Places), ReferenceEqualityComparer.Instance);
        foreach (Trial trial in files.Keys.Where(trial => !kept.Contains(trial)).ToArray())
        {
            files[trial].Delete();
            files.Remove(trial);
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
        KeptFile file = files[trial];
        files.Remove(trial);
        shipped.TakeBack(file.Path, trial.Outcome!, ownsData: file.DataPath is not null);
    }

    /// <param name="Path">The model.</param>
    /// <param name="DataPath">Its weights, where they go with it.</param>
    private sealed record KeptFile(string Path, string? DataPath)
    {
        internal void Delete()
        {
            File.Delete(Path);
            if (DataPath is not null)
            {
                File.Delete(DataPath);
            }
        }
    }
}
