using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace ModelBuildTasks.Accessors;

/// <summary>C# names for what models call "StatefulPartitionedCall:0", "class" or "3d-box".</summary>
internal static class CSharpNames
{
    private static readonly HashSet<string> Keywords = new(
        ("abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else enum event explicit extern false " +
         "finally fixed float for foreach goto if implicit in int interface internal is lock long namespace new null object operator out override params private " +
         "protected public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw true try typeof uint ulong unchecked " +
         "unsafe ushort using virtual void volatile while").Split(' '), StringComparer.Ordinal);

    /// <summary>"plus_214-output" → "Plus214Output". Letters keep their case, so that "imageURL" stays itself.</summary>
    public static string Pascal(string name)
    {
        var result = new StringBuilder();
        var startsWord = true;
        foreach (var character in name)
        {
            if (!char.IsLetterOrDigit(character))
            {
                startsWord = true;
                continue;
            }

            result.Append(startsWord ? char.ToUpperInvariant(character) : character);
            startsWord = false;
        }

        return result.Length == 0 ? "Model" : StartsName(result[0]) ? result.ToString() : $"_{result}";
    }

    /// <summary>As <see cref="Pascal"/>, with a small first letter, and escaped where it is a keyword.</summary>
    public static string Camel(string name)
    {
        var pascal = Pascal(name);
        return Escape(char.ToLowerInvariant(pascal[0]) + pascal.Substring(1));
    }

    public static string Escape(string name) => Keywords.Contains(name) ? $"@{name}" : name;

    /// <summary>A root namespace comes from the project's file name and may be "my-app.3d".</summary>
    public static string Namespace(string rootNamespace) =>
        string.Join(".", rootNamespace.Split(['.'], StringSplitOptions.RemoveEmptyEntries).Select(part =>
        {
            var name = new string([.. part.Select(character => IsPart(character) ? character : '_')]);
            return Escape(StartsName(name[0]) ? name : $"_{name}");
        }));

    public static bool IsIdentifier(string name) => name.Length > 0 && StartsName(name[0]) && name.All(IsPart) && !Keywords.Contains(name);

    /// <summary>The first of name, name2, name3, … that is not taken; takes it.</summary>
    public static string Unique(string name, HashSet<string> taken)
    {
        var candidate = name;
        for (var i = 2; !taken.Add(candidate); i++)
        {
            candidate = name + i.ToString(CultureInfo.InvariantCulture);
        }

        return candidate;
    }

    /// <summary>A C# string literal.</summary>
    public static string Literal(string text)
    {
        var literal = new StringBuilder("\"");
        foreach (var character in text)
        {
            _ = character is '"' or '\\' || char.IsControl(character) || character is '\u2028' or '\u2029' || char.IsSurrogate(character)
                ? literal.AppendFormat(CultureInfo.InvariantCulture, "\\u{0:x4}", (int)character)
                : literal.Append(character);
        }

        return literal.Append('"').ToString();
    }

    /// <summary>Text inside a documentation comment: one line, no markup.</summary>
    public static string Comment(string text) =>
        new([.. text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Select(character => char.IsControl(character) || character is '\u2028' or '\u2029' or '\u0085' ? ' ' : character)]);

    private static bool StartsName(char character) => char.IsLetter(character) || character == '_';

    private static bool IsPart(char character) => char.IsLetterOrDigit(character) || character == '_';
}
