using System;
using System.Collections.Generic;

namespace ModelBuildTasks.Exporting;

/// <summary>The end of what a command printed, for the error that says that it failed; bounded whatever it prints.</summary>
internal sealed class LastLines
{
    private const int Kept = 12;
    private const int LongestLine = 2_000;
    private readonly Queue<string> _lines = new();

    public string Text => _lines.Count == 0 ? "It printed nothing." : string.Join(Environment.NewLine, _lines);

    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return;
        }

        _lines.Enqueue(line.Length > LongestLine ? line.Substring(0, LongestLine) + "…" : line);
        if (_lines.Count > Kept)
        {
            _lines.Dequeue();
        }
    }
}
