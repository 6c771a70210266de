using System;
using System.Text;

namespace ModelBuildTasks.Accessors;

/// <summary>C# text under construction; keeps the indentation.</summary>
internal sealed class SourceText
{
    private const int SpacesPerLevel = 4;
    private readonly StringBuilder _text = new();
    private int _level;

    /// <summary>Adds lines, each indented to the current level; an empty text is a blank line.</summary>
    public SourceText Add(string lines)
    {
        foreach (var line in lines.Replace("\r\n", "\n").Split('\n'))
        {
            if (line.Length > 0)
            {
                _text.Append(' ', _level * SpacesPerLevel).Append(line);
            }

            _text.Append('\n');
        }

        return this;
    }

    /// <summary>A head and its body in braces.</summary>
    public SourceText Block(string head, Action body)
    {
        Add(head).Add("{");
        _level++;
        body();
        _level--;
        return Add("}");
    }

    public override string ToString() => _text.ToString();
}
