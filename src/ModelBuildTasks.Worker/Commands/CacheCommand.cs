using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Reporting;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild cache</c>: what the cache on this machine holds, and whether it is sound.</summary>
internal static class CacheCommand
{
    /// <summary>Enough of a key to tell it from the others.</summary>
    private const int ShownDigits = 12;

    internal static Command Create()
    {
        Option<DirectoryInfo> cache = new("--cache") { Description = "The artifact cache (default: the user's cache folder).", Recursive = true };
        Command command = new("cache", "Look at the artifact cache, check it, or empty it.")
        {
            Subcommand("list", "List what is cached, last used first.", List),
            Subcommand("verify", "Hash everything again and remove what is damaged; exit code 1 when something was.", Verify),
            Subcommand("clear", "Delete everything that is cached. Other files in the folder stay.", Clear),
        };
        command.Add(cache);
        return command;

        Command Subcommand(string name, string description, Func<StoreContents, int> action)
        {
            Command subcommand = new(name, description);
            subcommand.SetAction(parsed => Run(parsed.GetValue(cache)?.FullName ?? ArtifactStore.DefaultDirectory, action));
            return subcommand;
        }
    }

    private static int Run(string directory, Func<StoreContents, int> action)
    {
        try
        {
            if (File.Exists(directory))
            {
                return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.NotAQuantity, directory, "--cache", directory, "a folder")]);
            }

            AnsiConsole.MarkupLineInterpolated($"{directory}");
            return action(StoreContents.Read(directory));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.CannotWrite, directory, directory, fault.Message)]);
        }
    }

    private static int List(StoreContents contents)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("Key").AddColumn("Model").AddColumn("Target").AddColumn(new TableColumn("Size").RightAligned()).AddColumn("Last used");
        // The verdicts on an artifact, and what builds with a lock file know it by, share its bytes and would only repeat it.
        List<(StoredEntry Stored, Outcome? Outcome)> shown =
        [
            .. contents.Entries.Where(stored => stored.Entry is not { } entry || CachedResult.Parse(entry.Description) is null)
                .Select(stored => (Stored: stored, Outcome: stored.Entry is { } entry ? ArtifactCache.Parse(entry.Description) : null))
                .OrderByDescending(entry => entry.Stored.LastUsed)
                .DistinctBy(entry => entry.Outcome is { } known ? (known.Model, known.Target, known.ArtifactSha256, known.IsTrial) : (entry.Stored.Entry?.ArtifactSha256 ?? entry.Stored.File.Name, null, "", false)),
        ];
        foreach ((StoredEntry stored, Outcome? outcome) in shown)
        {
            table.AddRow(
                stored.File.Name[..ShownDigits],
                Markup.Escape(outcome is not null ? $"{outcome.Model}{(outcome.IsTrial ? ", a trial" : "")}" : stored.Entry is { Description.Length: 0 } ? "external data" : stored.Entry is { } entry && ArtifactCache.IsTrained(entry.Description) ? "trained weights" : "damaged"),
                Markup.Escape(outcome?.Target ?? ""),
                stored.Entry is null ? "" : Quantities.Size(stored.Entry.ArtifactBytes),
                Quantities.Age(DateTime.UtcNow - stored.LastUsed));
        }

        if (shown.Count > 0)
        {
            AnsiConsole.Write(table);
        }

        AnsiConsole.MarkupLineInterpolated($"{Quantities.Count(contents.Artifacts.Count, "artifact", "artifacts")}, {Quantities.Size(contents.Bytes)}");
        return ModelCommand.Succeeded;
    }

    private static int Verify(StoreContents contents)
    {
        IReadOnlyList<StoreFault> faults = contents.Verify();
        foreach (StoreFault fault in faults)
        {
            AnsiConsole.MarkupLineInterpolated($"Removed {fault.Path}: {fault.Reason}.");
        }

        AnsiConsole.MarkupLineInterpolated($"{Quantities.Count(contents.Entries.Count, "entry", "entries")} and {Quantities.Count(contents.Artifacts.Count, "artifact", "artifacts")} verified, {faults.Count} damaged");
        return faults.Count == 0 ? ModelCommand.Succeeded : ModelCommand.Failed;
    }

    private static int Clear(StoreContents contents)
    {
        AnsiConsole.MarkupLineInterpolated($"Freed {Quantities.Size(contents.Clear())}");
        return ModelCommand.Succeeded;
    }
}
