using System.CommandLine;
using System.Text.Json;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>Metadata of an item as options of a command: <c>MaxAccuracyDrop</c> is <c>--max-accuracy-drop</c>.</summary>
internal sealed class SettingOptions
{
    private readonly Dictionary<string, Option<string>> options = [];

    /// <param name="command">The command, which gets an option for each.</param>
    /// <param name="settings">The metadata.</param>
    internal SettingOptions(Command command, IEnumerable<(string Metadata, string Help)> settings)
    {
        foreach ((string metadata, string help) in settings)
        {
            Option<string> option = new("--" + JsonNamingPolicy.KebabCaseLower.ConvertName(metadata)) { Description = help };
            options.Add(metadata, option);
            command.Add(option);
        }
    }

    /// <summary>What the command line says; null where it says nothing, or the command has no such option.</summary>
    internal string? Value(ParseResult parsed, string metadata) => options.TryGetValue(metadata, out Option<string>? option) ? parsed.GetValue(option) : null;
}
