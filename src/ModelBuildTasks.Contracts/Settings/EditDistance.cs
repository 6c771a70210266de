using System;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>How far a misspelt name is from a known one.</summary>
public static class EditDistance
{
    /// <summary>The fewest characters to insert, delete or replace (Levenshtein), case aside; computed one row at a time.</summary>
    public static int Between(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replace = diagonal + (char.ToUpperInvariant(from[i - 1]) == char.ToUpperInvariant(to[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[to.Length];
    }
}
