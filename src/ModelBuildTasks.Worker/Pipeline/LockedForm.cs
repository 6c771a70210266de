using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The candidate that the lock file has. It is taken again whatever the timings of the day say, for it has proven itself when it was locked; the budgets judge it as ever.</summary>
/// <param name="locked">What the lock file says.</param>
/// <param name="isExact">Whether the very bytes are wanted, and not what the same steps make elsewhere.</param>
internal sealed class LockedForm(LockedChoice locked, bool isExact)
{
    /// <summary>Why other candidates are left, as a clause.</summary>
    internal const string Another = "the lock file has another form";

    /// <summary>Whether a candidate was made by the same steps, of other bytes.</summary>
    internal bool SawAlike { get; private set; }

    /// <summary>Looks for the very artifact, then for its like; what is locked and can't be made any more is left to a search without it.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="search">Gives the outcome of a search for what is wanted, or of a free one for null; null where what is wanted does not come up.</param>
    internal static Outcome Search(OptimizationRequest request, Func<LockedForm?, Outcome?> search)
    {
        if (request.Locked is { } locked)
        {
            // The hash of a compressed file says nothing of its content's bytes.
            LockedForm exact = new(locked, isExact: true);
            if (!request.Compress && search(exact) is { } same)
            {
                return same;
            }

            if ((request.Compress || exact.SawAlike) && search(new LockedForm(locked, isExact: false)) is { } alike)
            {
                return alike;
            }
        }

        return search(null)!;
    }

    /// <param name="candidate">A candidate.</param>
    /// <param name="plan">Names of the steps that made it.</param>
    internal bool Takes(ShippedForm candidate, IEnumerable<string> plan)
    {
        try
        {
            return IsWanted(candidate, plan);
        }
        catch (UnconvertibleException)
        {
            // It can't ship, so it has not been locked.
            return false;
        }
    }

    private bool IsWanted(ShippedForm candidate, IEnumerable<string> plan)
    {
        if (locked.Is(ContentDigest.OfFile(candidate.Make())))
        {
            return true;
        }

        bool isAlike = locked.IsLike(candidate.ShippedBytes, plan);
        SawAlike |= isAlike;
        return isAlike && !isExact;
    }
}
