using System.Text.Json;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>Asks a restored project what an IDE asks it: items of its evaluation, and what targets return.</summary>
internal static class Query
{
    // What Visual Studio sets in a design-time build.
    private static readonly string[] s_designTime =
    [
        "-p:DesignTimeBuild=true", "-p:BuildingProject=false", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true",
    ];

    /// <summary>The items of the evaluation or, when <paramref name="targets"/> names any, after a design-time build of these.</summary>
    public static IReadOnlyList<Item> ItemsOf(this App app, string itemType, params string[] targets)
    {
        string[] build = targets.Length == 0 ? [] : [$"-t:{string.Join(';', targets)}", .. s_designTime];
        return Read(app.Run("msbuild", [$"-getItem:{itemType}", .. build]), "Items", itemType);
    }

    /// <summary>What a target returns in a design-time build.</summary>
    public static IReadOnlyList<Item> ResultOf(this App app, string target)
    {
        var outcome = app.Run("msbuild", [$"-getTargetResult:{target}", .. s_designTime]);
        return Read(outcome, "TargetResults", target, "Items");
    }

    private static List<Item> Read(BuildOutcome outcome, params string[] path)
    {
        outcome.ShouldSucceed();
        var element = JsonDocument.Parse(outcome.Output[outcome.Output.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
        element = path.Aggregate(element, (parent, name) => parent.GetProperty(name));
        return [.. element.EnumerateArray().Select(item => new Item(item.EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase)))];
    }
}

/// <summary>An item with its metadata.</summary>
internal sealed class Item(IReadOnlyDictionary<string, string> metadata)
{
    public string Identity => metadata["Identity"];

    public string FullPath => metadata["FullPath"];

    /// <summary>The metadata's value; empty when absent.</summary>
    public string this[string name] => metadata.GetValueOrDefault(name, "");
}
