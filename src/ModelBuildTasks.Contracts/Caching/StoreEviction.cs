using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// Keeps a store within its bound: what was not used for longest goes first. The file <c>size</c> holds a running total, so that the folder
/// is listed only when the total passes the bound, and once a day, which also corrects the total.
/// </summary>
internal sealed class StoreEviction
{
    /// <summary>Such as <c>20GB</c>. Build services that save the folder between runs have limits of their own.</summary>
    private const string BoundVariable = "MODELBUILD_CACHE_SIZE";

    /// <summary>Some hundred models of the size that ships in apps.</summary>
    private const long UsualBound = 5L << 30;

    /// <summary>Down to less than the bound, so that not every store evicts.</summary>
    private const double ShareKept = 0.9;

    private static readonly TimeSpan s_inUse = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_abandoned = TimeSpan.FromDays(1);
    private readonly string _directory;
    private readonly long _bound;

    public StoreEviction(string directory, long bound)
    {
        _directory = directory;
        _bound = bound;
    }

    /// <summary>Bytes: MODELBUILD_CACHE_SIZE, or 5 GB where it is absent or no size.</summary>
    public static long DefaultBound =>
        Environment.GetEnvironmentVariable(BoundVariable) is { } text && Quantity.TryParseSize(text, out var bytes) && bytes > 0 ? bytes : UsualBound;

    public static string SizeFile(string directory) => Path.Combine(directory, "size");

    /// <summary>Counts what was stored. Does nothing while another process counts: the daily listing finds what was missed.</summary>
    public void Grow(long bytes)
    {
        using var file = ExclusiveFile.TryOpen(SizeFile(_directory)) ?? throw new IOException("Another process holds the size of the cache.");
        var (total, listed) = Read(file);
        total += bytes;
        var now = DateTime.UtcNow;
        if (total > _bound || listed > now || now - listed > s_abandoned)
        {
            total = Evict(now);
            listed = now;
        }

        file.SetLength(0);
        using var writer = new StreamWriter(file);
        writer.Write(string.Format(CultureInfo.InvariantCulture, "{0} {1}", total, listed.Ticks));
    }

    private static (long Total, DateTime Listed) Read(FileStream file)
    {
        var text = new byte[64];
        var words = System.Text.Encoding.ASCII.GetString(text, 0, file.Read(text, 0, text.Length)).Split(' ');
        return words.Length == 2 && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var total) &&
            long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTime.MaxValue.Ticks
            ? (total, new DateTime(ticks, DateTimeKind.Utc))
            : (0, DateTime.MinValue);
    }

    /// <returns>Bytes that are left.</returns>
    private long Evict(DateTime now)
    {
        var contents = StoreContents.Read(_directory);
        var uses = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in contents.Entries.Where(entry => entry.Entry is not null))
        {
            uses.TryGetValue(entry.Entry!.ArtifactSha256, out var count);
            uses[entry.Entry.ArtifactSha256] = count + 1;
        }

        var left = contents.Bytes;
        foreach (var file in contents.Unfinished)
        {
            Delete(file, s_abandoned);
        }

        foreach (var damaged in contents.Entries.Where(entry => entry.Entry is null))
        {
            left -= Delete(damaged.File, s_abandoned);
        }

        // An artifact is written before its entry, so one without is not lost until it is old.
        foreach (var artifact in contents.Artifacts.Values.Where(artifact => !uses.ContainsKey(artifact.Name)))
        {
            left -= Delete(artifact, s_abandoned);
        }

        var wanted = left > _bound ? (long)(_bound * ShareKept) : left;
        foreach (var entry in contents.Entries.Where(entry => entry.Entry is not null).OrderBy(entry => entry.LastUsed).TakeWhile(_ => left > wanted))
        {
            left -= Evict(entry);
        }

        return left;

        long Evict(StoredEntry entry)
        {
            var freed = Delete(entry.File, s_inUse);
            if (freed > 0 && --uses[entry.Entry!.ArtifactSha256] == 0 && contents.Artifacts.TryGetValue(entry.Entry.ArtifactSha256, out var artifact))
            {
                freed += Delete(artifact, s_inUse);
            }

            return freed;
        }

        // The time is asked anew: somebody may have used the file since it was listed.
        long Delete(FileInfo file, TimeSpan age) =>
            now - File.GetLastWriteTimeUtc(file.FullName) > age ? StoreContents.Delete(file) : 0;
    }
}
