using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Says what is wrong with a <c>dataset.json</c> in the file's own words: System.Text.Json tells the names of our classes.</summary>
internal static partial class DescriptionFault
{
    internal static string Explain(JsonException exception)
    {
        string message = exception.Message;
        string place = exception.LineNumber is { } line ? $" (line {line + 1})" : "";
        string field = exception.Path?.TrimStart('$', '.') is { Length: > 0 } path ? $"'{path}'{place}" : $"the file{place}";
        return exception.InnerException is JsonException ? $"not JSON{place}: {WithoutPosition(exception)}"
            : UnknownField().Match(message) is { Success: true } unknown ? $"{field}: there is no such field as '{unknown.Groups[1].Value}'; docs/DATA.md lists them."
            : MissingFields().Match(message) is { Success: true } missing ? $"{field} lacks {missing.Groups[1].Value}."
            : WrongKind().Match(message) is { Success: true } wrong ? $"{field} holds something else than {Expected(wrong.Groups[1].Value, exception.Path!)}."
            : $"{field}: {message}";
    }

    /// <summary>What is wrong, without the place, which those tell in another way who know the file.</summary>
    internal static string WithoutPosition(JsonException exception) => Position().Replace(exception.Message, "");

    /// <param name="type">The class that the value should become, or the one whose property it is for.</param>
    /// <param name="path">Where in the file it stands.</param>
    private static string Expected(string type, string path)
    {
        Type found = typeof(DescriptionFault).Assembly.GetType(type) ?? typeof(DatasetDescription);
        Type? value = found.GetProperty(LastName().Match(path).Value, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase)?.PropertyType;
        value = value is null ? null : Nullable.GetUnderlyingType(value) ?? value;
        return value is { IsEnum: true } ? $"one of {string.Join(", ", Enum.GetNames(value))}"
            : value == typeof(string) ? "a text"
            : value == typeof(string[]) ? "an array of texts"
            : value == typeof(int) ? "a whole number"
            : value == typeof(int[]) ? "an array of whole numbers"
            : value == typeof(double) ? "a number"
            : value == typeof(bool) ? "true or false"
            : "an object with the fields that docs/DATA.md lists";
    }

    [GeneratedRegex(@"JSON property '(.*)' could not be mapped")]
    private static partial Regex UnknownField();

    [GeneratedRegex(@"missing required properties including: (.*?)\.?$")]
    private static partial Regex MissingFields();

    [GeneratedRegex(@"could not be converted to (\S+)\. Path: ")]
    private static partial Regex WrongKind();

    [GeneratedRegex(@" (Path|LineNumber): .*$")]
    private static partial Regex Position();

    /// <summary>The last name of a path such as <c>$.inputs.x.mean[1]</c>.</summary>
    [GeneratedRegex(@"\w+(?=(\[\d+\])*$)")]
    private static partial Regex LastName();
}
