using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>Tells of a search: what was chosen and why, what was given up, and where no form keeps all budgets, what would have to give.</summary>
internal sealed class SearchOutcome(OptimizationRequest request, AutomaticSearch search, SearchClock clock)
{
    /// <summary>Why the source model passes through, as a clause.</summary>
    internal static string ReasonToPassThrough(AutomaticSearch search) =>
        search is { IsCutShort: true, Trials: [] } ? "the time for its search was up before anything was made" : search.Trials.FirstOrDefault(trial => trial is { MayShip: false, Share: 0, IsSource: false, IsLocked: false }) is { } first ? $"{first.Name} was given up, for {first.Refusal}" : "no step changes it";

    /// <summary>What is known of the same artifact where nothing was searched for.</summary>
    internal static Outcome WithoutSearch(Outcome outcome) => outcome with
    {
        Search = null,
        Notes = [.. outcome.Notes.Where(note => note.Code != DiagnosticCatalogue.FellBack.Code && note.Code != DiagnosticCatalogue.NothingKeepsTheBudgets.Code && note.Code != DiagnosticCatalogue.TrainedAgain.Code)],
    };

    /// <summary>The outcome of what ships, with what is to be told of the search.</summary>
    /// <param name="chosen">The trial that ships; null where the source passes through for want of any.</param>
    /// <param name="outcome">What is known of what ships.</param>
    internal Outcome Of(Trial? chosen, Outcome outcome)
    {
        IReadOnlyList<Trial> front = TrialRanking.Front(search.Trials);
        Trial? first = search.Trials.FirstOrDefault(trial => trial is { Rank: 0, Share: 0, Recipe: not null, IsLocked: false });
        List<Note> notes = [.. outcome.Notes];
        // That a kind of numbers does not fit the model is nothing to warn of: nobody can do anything about it.
        if (first is { MayShip: false, DidNotApply: false } && chosen is { IsSource: false } && !ReferenceEquals(first, chosen))
        {
            Rejection rejection = Rejection.Of(first.Refusal!, first.Cause);
            notes.Add(Note.Of(DiagnosticCatalogue.FellBack, first.Name, chosen.Name, rejection.Reason, rejection.Advice));
        }

        if (chosen is not null && TrialRanking.Excess(chosen) > 0)
        {
            notes.Add(Note.Of(DiagnosticCatalogue.NothingKeepsTheBudgets, chosen.Name, string.Join(" and ", chosen.Broken.Select(verdict => verdict.Kind)), Concessions(chosen)));
        }

        return outcome with
        {
            Steps = [.. outcome.Steps, .. GivenUp(chosen, outcome)],
            Notes = notes,
            TriedQuantization = outcome.Quantization is null ? search.Trials.Select(trial => trial.Plan).FirstOrDefault(plan => plan is not null) : null,
            Search = new SearchAccount
            {
                Objective = request.Settings.Objective,
                Seconds = Math.Round(clock.Elapsed.TotalSeconds, 1),
                IsCutShort = search.IsCutShort,
                Decision = Decision(chosen, outcome),
                Trials = [.. search.Trials.Select(trial => trial.Contract(ReferenceEquals(trial, chosen), front.Any(other => ReferenceEquals(other, trial))))],
            },
        };
    }

    /// <summary>Steps of kinds that were preferred to what ships and may not, as steps that were taken back.</summary>
    private IEnumerable<Step> GivenUp(Trial? chosen, Outcome outcome) =>
        from trial in search.Trials
        where trial is { MayShip: false, Share: 0, IsSource: false, Recipe: not null, IsLocked: false } && (chosen is null || trial.Rank < chosen.Rank)
        from step in trial.Steps
        where !outcome.Steps.Contains(step)
        select step.Applied ? step with { Applied = false, Explanation = $"{step.Explanation} Given up: {trial.Refusal}." } : step;

    private string Decision(Trial? chosen, Outcome outcome)
    {
        if (chosen is null or { IsSource: true })
        {
            return chosen is null ? "It loses nothing, and costs what it did." : "Nothing that was tried is better.";
        }

        Trial[] rivals = [.. search.Trials.Where(trial => trial.MayShip && !ReferenceEquals(trial, chosen) && TrialRanking.Excess(trial) == 0)];
        string best = request.Settings.Objective switch
        {
            Objective.Size => $"the smallest, with {Quantities.Number(chosen.ShippedBytes)} bytes",
            Objective.Memory => outcome.Memory is { } memory ? $"the one that takes least memory, {Quantities.Number(memory.Optimized)} bytes" : "the first in order of preference, for memory was not measured",
            Objective.Accuracy when outcome.Accuracy is null => "the first in order of preference, for there is no data to measure accuracy on",
            Objective.Accuracy => FormattableString.Invariant($"the one that loses least, {chosen.Loss:0.####}"),
            _ => chosen.LatencyRatio is { } ratio ? FormattableString.Invariant($"the fastest, at {outcome.Latency?.Ratio.Value ?? ratio:0.00} of the original's time") : $"the first in order of preference, for {outcome.LatencyReason ?? "latency was not measured"}",
        };
        string among = rivals.Length == 0 ? "the only one that may ship" : $"of {rivals.Length + 1} forms that may ship";
        (string nearly, string merit) = IsBeaten(chosen, rivals) ? ("nearly ", chosen.IsLocked ? ", and the lock file has it" : ", and loses less") : ("", "");
        return TrialRanking.Excess(chosen) > 0
            ? $"It is the nearest to the budgets of what was tried; none keeps them all: {Concessions(chosen)}."
            : $"It is {nearly}{best}{merit}, {among} and keep{(rivals.Length == 0 ? "s" : "")} the budgets.";
    }

    /// <summary>Whether another is a little better by what was sought, and was not taken for that.</summary>
    private bool IsBeaten(Trial chosen, Trial[] rivals)
    {
        TrialRanking ranking = new(request.Settings.Objective);
        return rivals.Any(rival => ranking.Value(rival) < ranking.Value(chosen));
    }

    /// <summary>The limits with which the nearest form would keep the budgets, and what accuracy would buy instead.</summary>
    private string Concessions(Trial chosen)
    {
        string limits = string.Join(" and ", chosen.Broken.Select((broken, index) => $"{broken.Kind} {(index == 0 ? "would have to be " : "")}{Written(broken)}"));
        Trial? lossy = chosen.Broken.All(verdict => IsOfAccuracy(verdict.Kind)) ? null : search.Trials
            .Where(trial => trial is { MayShip: false, Cause: RefusalCause.Accuracy, Outcome.Accuracy.Drop: not null } && trial.Budgets.All(verdict => IsOfAccuracy(verdict.Kind) || verdict.Outcome is BudgetOutcome.Passed))
            .MinBy(Needed);
        return $"{limits}, which {chosen.Name} has" + (lossy is null ? "" : FormattableString.Invariant($"; or MaxAccuracyDrop {Outward(Needed(lossy), digits: 4)}, with which {lossy.Name} would do"))
            + (search.WhyUntrained is { } reason ? $"; training was not tried, for {reason}" : "");
    }

    internal static bool IsOfAccuracy(BudgetKind kind) => kind is BudgetKind.MinAccuracy or BudgetKind.MaxAccuracyDrop or BudgetKind.MaxClassAccuracyDrop;

    /// <summary>The MaxAccuracyDrop with which a trial would ship: where it was pushed to the limit (<see cref="Proof.Margin"/>), what chance may add to it, too.</summary>
    private static double Needed(Trial trial) => trial.Share > 0 ? trial.Outcome!.Accuracy!.Drop!.Value.High : trial.Loss;

    /// <summary>The limit that a verdict's measurement keeps.</summary>
    private static string Written(BudgetVerdict broken)
    {
        double measured = broken.Measured!.Value.Value;
        return broken.Kind switch
        {
            BudgetKind.MaxSize or BudgetKind.MaxMemory => $"{Quantities.Number((long)measured)} bytes",
            BudgetKind.MaxLatency => FormattableString.Invariant($"{Outward(measured, digits: 3)} ms"),
            _ => FormattableString.Invariant($"{(measured < broken.Allowed ? -Outward(-measured, digits: 4) : Outward(measured, digits: 4))}"),
        };
    }

    /// <summary>Rounded up, so that what was measured is within it.</summary>
    private static double Outward(double value, int digits)
    {
        double rounded = Math.Round(value, digits);
        return rounded >= value ? rounded : Math.Round(rounded + Math.Pow(10, -digits), digits);
    }
}
