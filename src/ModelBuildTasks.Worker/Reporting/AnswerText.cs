using System.Globalization;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>Which answers changed, in sentences; numbers that are not there leave theirs out.</summary>
internal static class AnswerText
{
    internal static IEnumerable<string> Sentences(AccuracyDetails details)
    {
        if (details is { Lost: { } lost, Won: { } won, PValue: { } chance })
        {
            yield return lost + won == 0
                ? "Both models are right on the same samples."
                : Text($"{Quantities.Count(lost, "right answer is", "right answers are")} lost and {won} won; were the models equally good, chance alone would part them as unevenly with a probability of {Probability(chance)} (McNemar's exact test).");
        }

        if (details.Agreement is { } agreement)
        {
            yield return Text($"The models give {100 * agreement:0.0#} % of the samples the same class.");
        }

        if (double.IsFinite(details.SmallestResolvableDrop))
        {
            yield return Text($"So many samples can tell a drop of {details.SmallestResolvableDrop:G2} from none.");
        }
    }

    private static string Probability(double chance) => chance < 0.0001 ? "less than 0.0001" : chance.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
