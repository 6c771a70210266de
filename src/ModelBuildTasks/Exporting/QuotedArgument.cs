using System.Text.RegularExpressions;

namespace ModelBuildTasks.Exporting;

/// <summary>One argument of a command line, by the rules that .NET takes command lines apart by on every platform (https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments).</summary>
internal static class QuotedArgument
{
    private static readonly Regex s_beforeQuote = new("(\\\\*)\"", RegexOptions.CultureInvariant);
    private static readonly Regex s_atEnd = new("(\\\\+)$", RegexOptions.CultureInvariant);

    public static string Of(string argument) => $"\"{s_atEnd.Replace(s_beforeQuote.Replace(argument, "$1$1\\\""), "$1$1")}\"";
}
