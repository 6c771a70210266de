using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace ModelBuildTasks.Contracts.Json;

/// <summary>Reads JSON (RFC 8259) into objects, lists, strings, doubles, longs, booleans and nulls.</summary>
internal sealed class JsonReader(string text)
{
    /// <summary>Contract files are five deep; recursion without a bound would overflow the stack.</summary>
    private const int Deepest = 64;

    private int _position;
    private int _line = 1;
    private int _depth;

    /// <exception cref="InvalidDataException">The text is not one JSON object.</exception>
    public JsonObject ReadDocument()
    {
        var document = Peek() == '{' ? ReadObject() : throw Unexpected();
        Peek();
        return _position == text.Length ? document : throw Unexpected();
    }

    private object? ReadValue() => Peek() switch
    {
        '{' => ReadObject(),
        '[' => ReadArray(),
        '"' => ReadString(),
        't' => ReadWord("true", true),
        'f' => ReadWord("false", false),
        'n' => ReadWord("null", null),
        _ => ReadNumber(),
    };

    private JsonObject ReadObject()
    {
        var members = new JsonObject();
        Enter();
        if (!Leaves('}'))
        {
            do
            {
                var name = Peek() == '"' ? ReadString() : throw Unexpected();
                var line = _line;
                Expect(':');
                members.Add(name, ReadValue(), line);
            }
            while (Continues('}'));
        }

        return members;
    }

    private List<object?> ReadArray()
    {
        var items = new List<object?>();
        Enter();
        if (!Leaves(']'))
        {
            do
            {
                items.Add(ReadValue());
            }
            while (Continues(']'));
        }

        return items;
    }

    private string ReadString()
    {
        var value = new StringBuilder();
        for (_position++; ; _position++)
        {
            var character = _position < text.Length ? text[_position] : throw Unexpected();
            if (character == '"')
            {
                _position++;
                return value.ToString();
            }

            value.Append(character == '\\' ? ReadEscape() : character >= ' ' ? character : throw Unexpected());
        }
    }

    // Leaves the position on the escape's last character.
    private char ReadEscape()
    {
        const int digits = 4;
        _position++;
        switch (_position < text.Length ? text[_position] : '\0')
        {
            case '"': return '"';
            case '\\': return '\\';
            case '/': return '/';
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _position + digits < text.Length
                && ushort.TryParse(text.Substring(_position + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                _position += digits;
                return (char)code;
            default: throw Unexpected();
        }
    }

    private object? ReadWord(string word, object? value)
    {
        if (string.CompareOrdinal(text, _position, word, 0, word.Length) != 0)
        {
            throw Unexpected();
        }

        _position += word.Length;
        return value;
    }

    private object ReadNumber()
    {
        var start = _position;
        while (_position < text.Length && (text[_position] is >= '0' and <= '9' or '-' or '+' or '.' or 'e' or 'E'))
        {
            _position++;
        }

        var digits = text.Substring(start, _position - start);
        return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? (object)whole
            : double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
            : throw Unexpected();
    }

    private void Enter()
    {
        _position++;
        if (++_depth > Deepest)
        {
            throw Unexpected();
        }
    }

    private bool Leaves(char bracket)
    {
        if (Peek() != bracket)
        {
            return false;
        }

        _position++;
        _depth--;
        return true;
    }

    private bool Continues(char bracket)
    {
        if (Leaves(bracket))
        {
            return false;
        }

        Expect(',');
        return true;
    }

    private void Expect(char character)
    {
        if (Peek() != character)
        {
            throw Unexpected();
        }

        _position++;
    }

    // The next character that is no white space; NUL at the end.
    private char Peek()
    {
        while (_position < text.Length && text[_position] is ' ' or '\n' or '\r' or '\t')
        {
            // Strings hold no line ends but escaped ones, so that this is the only place where lines end.
            _line += text[_position] == '\n' ? 1 : 0;
            _position++;
        }

        return _position < text.Length ? text[_position] : '\0';
    }

    private InvalidDataException Unexpected() => JsonFault.At(_line, string.Format(CultureInfo.InvariantCulture,
        _position < text.Length ? "character {0} is not what JSON allows there" : "the text ends early, after character {0}", _position));
}
