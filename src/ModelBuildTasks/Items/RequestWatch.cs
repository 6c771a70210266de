using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>What has to be looked at to know that a request would say the same again. As an item it is a path, with the stamp that it had.</summary>
internal static class RequestWatch
{
    private const string Kind = nameof(Kind);
    private const string Stamp = nameof(Stamp);
    private const string Contents = nameof(Contents);
    private const string LengthsAndTimes = nameof(LengthsAndTimes);
    private const string Names = nameof(Names);

    public static IEnumerable<ITaskItem> Of(OptimizationRequest request)
    {
        foreach (var (_, path) in RequestInputs.Models(request.ModelPath).Concat(RequestInputs.Companions(request)))
        {
            yield return Watch(path, Contents);
        }

        foreach (var (_, _, path) in RequestInputs.DataSets(request))
        {
            foreach (var file in File.Exists(path) || Directory.Exists(path) ? DataFiles.Of(path) : [])
            {
                yield return Watch(file, LengthsAndTimes);
            }

            // What comes to lie beside a data file may belong to it.
            if (File.Exists(path))
            {
                yield return Watch(Path.GetDirectoryName(path)!, Names);
            }
        }
    }

    /// <summary>The request file itself: another build may have written it, or somebody deleted it.</summary>
    public static ITaskItem Times(string requestPath) => Watch(requestPath, LengthsAndTimes);

    public static bool IsUnchanged(ITaskItem watch)
    {
        try
        {
            return StampOf(watch.ItemSpec, watch.GetMetadata(Kind)) == watch.GetMetadata(Stamp);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it next says what is wrong with it.
            return false;
        }
    }

    private static TaskItem Watch(string path, string kind) =>
        ItemText.Create(path, new Dictionary<string, string> { [Kind] = kind, [Stamp] = StampOf(path, kind) });

    private static string StampOf(string path, string kind) =>
        !File.Exists(path) && !Directory.Exists(path) ? "none"
            : kind == Contents ? InputStamp.OfContents(path)
            : kind == Names ? InputStamp.OfNames(path)
            : InputStamp.OfTimes(path);
}
