using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace ModelBuildTasks.Contracts.Json;

/// <summary>The members of a JSON object. An absent member and null are the same; one of another kind is refused by name.</summary>
internal sealed class JsonObject
{
    private readonly Dictionary<string, (object? Value, int Line)> _members = new(StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">The text is not one JSON object.</exception>
    public static JsonObject Parse(string text) => new JsonReader(text).ReadDocument();

    /// <summary>The members' names.</summary>
    public IReadOnlyCollection<string> Names => _members.Keys;

    /// <exception cref="InvalidDataException">The object has that name already; RFC 8259 leaves open which of the two would count.</exception>
    public void Add(string name, object? value, int line)
    {
        if (_members.ContainsKey(name))
        {
            throw JsonFault.At(line, $"'{name}' is there twice");
        }

        _members.Add(name, (value, line));
    }

    /// <summary>The line, from 1, that the member's name is on; 0 when it is absent.</summary>
    public int LineOf(string name) => _members.TryGetValue(name, out var member) ? member.Line : 0;

    /// <summary>Whether the member is there, and not null.</summary>
    public bool Has(string name) => Member(name) is not null;

    public string? Text(string name) => Member(name) switch
    {
        null => null,
        string text => text,
        _ => throw Unexpected(name, "a string"),
    };

    /// <summary>Text that may stand in a message.</summary>
    /// <exception cref="InvalidDataException">The member is absent, no text, or has line ends or other control characters.</exception>
    public string RequiredText(string name)
    {
        var text = Text(name) is { Length: > 0 } found ? found : throw Missing(name);
        return Array.Exists(text.ToCharArray(), char.IsControl) ? throw Unexpected(name, "text on one line") : text;
    }

    public double? Number(string name) => Member(name) switch
    {
        null => null,
        double number => number,
        long number => number,
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var special) => special,
        _ => throw Unexpected(name, "a number"),
    };

    public long? Integer(string name) => Member(name) switch
    {
        null => null,
        long number => number,
        _ => throw Unexpected(name, "a whole number"),
    };

    public bool Flag(string name) => Member(name) switch
    {
        null => false,
        bool flag => flag,
        _ => throw Unexpected(name, "true or false"),
    };

    /// <returns>The choice; the first of <typeparamref name="T"/> when the member is absent.</returns>
    public T Choice<T>(string name) where T : struct, Enum =>
        Text(name) is not { } text ? default
            : Contracts.Choice.TryParse<T>(text, out var value) ? value
            : throw Unexpected(name, string.Join(" or ", Contracts.Choice.Names<T>()));

    public JsonObject? Object(string name) => Member(name) switch
    {
        null => null,
        JsonObject value => value,
        _ => throw Unexpected(name, "an object"),
    };

    public List<JsonObject> Objects(string name)
    {
        var objects = new List<JsonObject>();
        if (Member(name) is not { } member)
        {
            return objects;
        }

        foreach (var item in member as List<object?> ?? throw Unexpected(name, "an array"))
        {
            objects.Add(item as JsonObject ?? throw Unexpected(name, "an array of objects"));
        }

        return objects;
    }

    public List<string> Texts(string name)
    {
        var texts = new List<string>();
        if (Member(name) is not { } member)
        {
            return texts;
        }

        foreach (var item in member as List<object?> ?? throw Unexpected(name, "an array"))
        {
            texts.Add(item as string ?? throw Unexpected(name, "an array of strings"));
        }

        return texts;
    }

    public List<double> Numbers(string name)
    {
        var numbers = new List<double>();
        if (Member(name) is not { } member)
        {
            return numbers;
        }

        foreach (var item in member as List<object?> ?? throw Unexpected(name, "an array"))
        {
            numbers.Add(item is double number ? number : item is long whole ? whole : throw Unexpected(name, "an array of numbers"));
        }

        return numbers;
    }

    /// <summary>Text, number, true or false as JSON writes it, without quotes; empty for null and what is no single value.</summary>
    public string Value(string name) => Member(name) switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    private object? Member(string name) => _members.TryGetValue(name, out var member) ? member.Value : null;

    /// <summary>The object lacks a member that it must have, or has it empty.</summary>
    public InvalidDataException Missing(string name) => JsonFault.At(Math.Max(1, LineOf(name)), $"'{name}' is missing");

    private InvalidDataException Unexpected(string name, string expected) => JsonFault.At(LineOf(name), $"'{name}' is not {expected}");
}
