using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Exporting;

/// <summary>
/// The end of what a command printed, for the error that says that it failed; bounded whatever it prints. Its two streams come in no order that says anything: each has its own end.
/// </summary>
internal sealed class LastLines
{
    private const int KeptOfEach = 6;
    private const int LongestLine = 2_000;
    private readonly Queue<string> _output = new();
    private readonly Queue<string> _errors = new();

    public string Text => _output.Count + _errors.Count == 0 ? "It printed nothing." : string.Join(Environment.NewLine, _output.Concat(_errors));

    public void Add(string line, bool isError)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return;
        }

        var lines = isError ? _errors : _output;
        lines.Enqueue(line.Length > LongestLine ? line.Substring(0, LongestLine) + "…" : line);
        if (lines.Count > KeptOfEach)
        {
            lines.Dequeue();
        }
    }
}
