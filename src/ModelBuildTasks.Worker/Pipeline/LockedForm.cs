using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The candidate that the lock file has. It is taken again whatever the timings of the day say, for it has proven itself when it was locked; the budgets judge it as ever.</summary>
/// <param name="locked">What the lock file says.</param>
/// <param name="isHashed">Whether its hash is that of the model: the hash of a compressed file says nothing of its content's bytes, and what the same steps make is then all that is wanted.</param>
/// <param name="keptPath">Where what the same steps made of other bytes is kept, for the case that the very bytes do not come up.</param>
internal sealed class LockedForm(LockedChoice locked, bool isHashed, string keptPath) : IDisposable
{
    /// <summary>Why other candidates are left, as a clause.</summary>
    internal const string Another = "the lock file has another form";

    private Outcome? kept;

    /// <summary>Full path of the weights beside what is kept, which go with it; null where they belong to another build as well, or are inside.</summary>
    private string? keptData;

    public void Dispose()
    {
        File.Delete(keptPath);
        if (keptData is not null)
        {
            File.Delete(keptData);
        }
    }

    /// <summary>Looks for the very artifact or else for its like; what is locked and can't be made any more is left to a search without it.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="shipped">Where the search leaves the artifact.</param>
    /// <param name="search">Gives the outcome of a search for what is wanted, or of a free one for null; null where what is wanted does not come up.</param>
    internal static Outcome Search(OptimizationRequest request, ShippedForm shipped, Func<LockedForm?, Outcome?> search)
    {
        if (request.Locked is { } locked)
        {
            using LockedForm wanted = new(locked, isHashed: !request.Compress, $"{shipped.ArtifactPath}.alike.staged");
            if ((search(wanted) ?? wanted.Restore(shipped)) is { } outcome)
            {
                return outcome;
            }
        }

        return search(null)!;
    }

    /// <param name="candidate">A candidate.</param>
    /// <param name="plan">Names of the steps that made it.</param>
    internal LockedMatch Match(ShippedForm candidate, IEnumerable<string> plan)
    {
        try
        {
            string path = candidate.Make();
            return isHashed && locked.Is(ContentDigest.OfFile(path)) ? LockedMatch.Same
                : kept is not null || !locked.IsLike(candidate.ShippedBytes, plan) ? LockedMatch.None
                : isHashed ? LockedMatch.Alike
                : LockedMatch.Same;
        }
        catch (UnconvertibleException)
        {
            // It can't ship, so it has not been locked.
            return LockedMatch.None;
        }
    }

    /// <summary>Keeps the first candidate that is alike, and may ship.</summary>
    internal void Keep(ShippedForm candidate, Outcome outcome)
    {
        keptData = candidate.SetAside(keptPath);
        kept = outcome;
    }

    private Outcome? Restore(ShippedForm shipped)
    {
        if (kept is not null)
        {
            shipped.TakeBack(keptPath, kept, ownsData: keptData is not null);
            keptData = null;
        }

        return kept;
    }
}

/// <summary>What a candidate is to the locked form.</summary>
internal enum LockedMatch
{
    /// <summary>Another.</summary>
    None,

    /// <summary>Made by the same steps, of other bytes, and the first of this kind.</summary>
    Alike,

    /// <summary>The one that is wanted.</summary>
    Same,
}
