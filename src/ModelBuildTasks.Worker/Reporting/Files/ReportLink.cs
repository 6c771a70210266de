using System.Buffers;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>Help links come from files, and a link may run code (<c>javascript:</c>).</summary>
internal static class ReportLink
{
    private static readonly SearchValues<char> Delimiters = SearchValues.Create(" ()<>\"'\\\t\r\n");

    /// <summary>Whether it is an address of a web page, written so that neither Markdown nor HTML sees an end in it.</summary>
    internal static bool IsSafe(string link) =>
        Uri.TryCreate(link, UriKind.Absolute, out Uri? address) && address.Scheme == Uri.UriSchemeHttps && !link.AsSpan().ContainsAny(Delimiters);
}
