using System.Globalization;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Worker.Reporting.History;

/// <summary>A state of a lock file's entry.</summary>
/// <param name="Commit">The commit that brought it, abbreviated.</param>
/// <param name="Date">When it was committed.</param>
/// <param name="Subject">The first line of the commit's message.</param>
/// <param name="Entry">The entry as the commit left it.</param>
internal sealed record LockedState(string Commit, DateTimeOffset Date, string Subject, LockEntry Entry);

/// <summary>What the lock file of a project said in earlier commits, as git knows them.</summary>
internal sealed class LockHistory
{
    /// <summary>More points than a small plot can tell apart.</summary>
    private const int MostCommits = 50;
    private const int AbbreviatedHash = 10;

    /// <summary>For all that git is asked; fifty commits take a quarter of a second.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Lock files have some hundred bytes an entry; larger blobs under that name are something else.</summary>
    private const int LargestFile = 4 << 20;

    internal static readonly LockHistory None = new([]);

    private readonly IReadOnlyList<(string Commit, DateTimeOffset Date, string Subject, ModelLock Lock)> commits;

    private LockHistory(IReadOnlyList<(string, DateTimeOffset, string, ModelLock)> commits) => this.commits = commits;

    /// <summary>Reads the last commits that changed a file. What is no lock file of this version is left out.</summary>
    /// <returns>None where there is no git, no repository, or no commit of the file.</returns>
    internal static LockHistory Read(string lockFile)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(lockFile))!;
        // A path that begins with ./ is relative to the working folder in revisions, too.
        string name = $"./{Path.GetFileName(lockFile)}";
        using CancellationTokenSource patience = new(Patience);
        if (!Directory.Exists(folder) || Git.Run(folder, ["log", $"--max-count={MostCommits}", "--no-show-signature", "--format=%H%x09%ct%x09%s", "--", name], patience.Token) is not { } log)
        {
            return None;
        }

        List<(string, DateTimeOffset, string, ModelLock)> commits = [];
        foreach (string[] line in log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t', 3)).Where(line => line.Length == 3).Reverse())
        {
            // As a blob, for 'show' would run what a repository sets as textconv.
            if (long.TryParse(line[1], NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
                && Git.Run(folder, ["cat-file", "blob", $"{line[0]}:{name}"], patience.Token) is { Length: <= LargestFile } text && Parse(text) is { } file)
            {
                // A commit may claim any time.
                DateTimeOffset date = DateTimeOffset.FromUnixTimeSeconds(Math.Min(seconds, DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
                commits.Add((line[0][..Math.Min(AbbreviatedHash, line[0].Length)], date, line[2], file));
            }
        }

        return new LockHistory(commits);
    }

    /// <summary>The states of an entry, the oldest first, without commits that changed nothing that is measured.</summary>
    internal IReadOnlyList<LockedState> Of(string model, string target)
    {
        List<LockedState> states = [];
        foreach ((string commit, DateTimeOffset date, string subject, ModelLock file) in commits)
        {
            if (file.Find(model, target) is { } entry && (states.Count == 0 || !IsSame(states[^1].Entry, entry)))
            {
                states.Add(new LockedState(commit, date, subject, entry));
            }
        }

        return states;
    }

    private static bool IsSame(LockEntry a, LockEntry b) => (a.Artifact, a.ShippedSize, a.Accuracy, a.Latency?.Value) == (b.Artifact, b.ShippedSize, b.Accuracy, b.Latency?.Value);

    private static ModelLock? Parse(string text)
    {
        try
        {
            return ModelLock.Parse(text);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
