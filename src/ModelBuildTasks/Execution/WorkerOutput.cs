using System;
using System.Collections.Generic;
using System.Globalization;

namespace ModelBuildTasks.Execution;

/// <summary>What of the worker's prose goes into the log: enough to see what it did, bounded whatever it writes. It is for people, and no result is ever taken from it.</summary>
internal sealed class WorkerOutput
{
    /// <summary>Lines that are logged; a run of two hundred models writes about two thousand.</summary>
    public const int MostLines = 5_000;

    /// <summary>Characters of a line that are kept.</summary>
    public const int LongestLine = 2_000;

    private const int KeptErrorLines = 12;
    private readonly Queue<string> _errors = new();
    private int _lines;

    /// <summary>The last lines of standard error, or that there are none.</summary>
    public string LastWords => _errors.Count == 0 ? "It wrote nothing to standard error." : string.Join(Environment.NewLine, _errors);

    /// <returns>The line to log; null when enough was logged.</returns>
    public string? Take(string line, bool isError)
    {
        line = line.Length > LongestLine ? line.Substring(0, LongestLine) + "…" : line;
        if (isError)
        {
            _errors.Enqueue(line);
            if (_errors.Count > KeptErrorLines)
            {
                _errors.Dequeue();
            }
        }

        _lines++;
        return _lines <= MostLines ? line
            : _lines == MostLines + 1 ? string.Format(CultureInfo.InvariantCulture, "The worker writes on; {0:N0} lines are enough for a log.", MostLines)
            : null;
    }
}
