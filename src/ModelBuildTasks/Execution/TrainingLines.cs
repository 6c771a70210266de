using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace ModelBuildTasks.Execution;

/// <summary>
/// Picks the lines of the worker that a build shows at once: how far training is, which takes minutes, and what came of it. It decides who sees a line, and nothing is taken from it.
/// </summary>
/// <param name="now">The time since some start; null for a clock of its own.</param>
internal sealed class TrainingLines(Func<TimeSpan>? now = null)
{
    /// <summary>Between two lines of one model: often enough to see that it goes on, and ten lines for the five minutes of a training without a limit.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // "digits (cpu): distillation, 25 %, loss 0.239, 26s left", as ConsoleProgress writes it.
    private static readonly Regex s_form = new(@"^(?<model>[^:]+ \([^():]+\)): [^:]+, [0-9]+ %, loss \S+(, .+ left)?$", RegexOptions.CultureInvariant);

    // "digits (cpu): distillation, 100 %, ended: 3000 steps on 270 samples in 67 s: …"
    private static readonly Regex s_end = new(@"^[^:]+ \([^():]+\): [^:]+, 100 %, ended: ", RegexOptions.CultureInvariant);

    private readonly Func<TimeSpan> _now = now ?? Clock();
    private readonly Dictionary<string, TimeSpan> _shown = new(StringComparer.Ordinal);

    /// <summary>Whether people are to see a line that standard output has: the first of a model, then one every <see cref="Interval"/>, and what came of it.</summary>
    public bool IsToBeSeen(string line)
    {
        if (s_end.IsMatch(line))
        {
            return true;
        }

        if (s_form.Match(line) is not { Success: true } match)
        {
            return false;
        }

        var model = match.Groups["model"].Value;
        var time = _now();
        if (_shown.TryGetValue(model, out var last) && time - last < Interval)
        {
            return false;
        }

        _shown[model] = time;
        return true;
    }

    private static Func<TimeSpan> Clock()
    {
        var watch = Stopwatch.StartNew();
        return () => watch.Elapsed;
    }
}
