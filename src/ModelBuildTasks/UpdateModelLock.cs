using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Writes what the build made into the lock file: the entries of this build's models and targets, and of no others. An entry that says
/// nothing new stays as it is, digit for digit.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class UpdateModelLock : Task, ICancelableTask, IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();

    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Variants { get; set; } = [];

    /// <summary>Full path of the lock file.</summary>
    [Required] public string LockFile { get; set; } = "";

    /// <summary>Whether this build sees all of the project's models, and may take out entries of others.</summary>
    public bool IsWholeProject { get; set; }

    public void Cancel() => _cancellation.Cancel();

    public void Dispose() => _cancellation.Dispose();

    public override bool Execute()
    {
        var log = new DiagnosticLog(Log);
        var fileName = Path.GetFileName(LockFile);
        try
        {
            var news = new List<string>();
            var variants = Variants.Select(ModelVariant.FromTaskItem).ToList();
            var built = variants.Select(BuiltVariant.Read).OfType<BuiltVariant>().ToList();
            var isWritten = ModelLock.Update(LockFile, file => news = Change(file, built, ProjectModels.Scope(variants, IsWholeProject)), _cancellation.Token);
            Log.LogMessage(MessageImportance.High, "{0}: {1}", fileName, isWritten ? news.Count > 0 ? string.Join(", ", news) : "written anew" : "up to date");
        }
        catch (InvalidDataException fault)
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.LockUnreadable, LockFile, fileName, fault.Message).At(LockFile, ModelLock.LineOf(fault)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.CannotWrite, LockFile, LockFile, exception.Message));
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        return !Log.HasLoggedErrors;
    }

    // What changed, in words.
    private static List<string> Change(ModelLock file, List<BuiltVariant> built, LockScope scope)
    {
        var news = new List<string>();
        foreach (var (model, target, _) in file.Entries.Where(entry => scope.IsGone(entry.Model, entry.Target)).ToList())
        {
            file.Remove(model, target);
            news.Add($"{model} ({target}) removed");
        }

        foreach (var (variant, entry) in built.Select(one => (one.Variant, one.Entry)))
        {
            var locked = file.Find(variant.Name, variant.Target);
            if (locked is null || !LockComparison.IsSame(locked, entry))
            {
                file.Set(variant.Name, variant.Target, entry.KeepingLimitOf(locked));
                news.Add($"{variant.Name} ({variant.Target}) {(locked is null ? "added" : "updated")}");
            }
        }

        return news;
    }
}
