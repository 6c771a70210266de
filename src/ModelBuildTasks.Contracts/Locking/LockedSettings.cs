using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>
/// What was asked for, by the names of the metadata: the settings that differ from their defaults, the budgets that say what accuracy may be spent,
/// and the digests of data sets and other models in place of their paths. Budgets of latency, size and memory steer a search, and only judge what is locked.
/// </summary>
internal static class LockedSettings
{
    public static SortedDictionary<string, string> Of(OptimizationRequest request)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var (asked, defaults) = (Members(request.Settings), Members(new ModelSettings()));
        foreach (var name in asked.Names.Where(name => asked.Value(name) != defaults.Value(name)))
        {
            settings[name] = asked.Value(name);
        }

        foreach (var (name, value) in RequestKey.SteeringBudgets(request))
        {
            if (value is { } limit)
            {
                settings[name] = limit.ToString("R", CultureInfo.InvariantCulture);
            }
        }

        if (request.Compress)
        {
            settings[MetadataNames.Compress] = "true";
        }

        foreach (var (role, metadata, _) in RequestInputs.DataSets(request).Concat(RequestInputs.OtherModels(request)))
        {
            settings[metadata] = DigestOf(request.Inputs.Where(input => input.Role == role || input.Role.StartsWith($"{role}/", StringComparison.Ordinal)));
        }

        return settings;
    }

    /// <summary>A file's own SHA-256 when it is the only one, else over each file's role and SHA-256: whoever has one file can check the digest by hand.</summary>
    public static string DigestOf(IEnumerable<InputDigest> inputs)
    {
        var files = inputs.OrderBy(input => input.Role, StringComparer.Ordinal).ToList();
        return files.Count == 1 ? files[0].Sha256 : ContentDigest.OfText(string.Concat(files.Select(input => $"{input.Role}\n{input.Sha256}\n")));
    }

    private static JsonObject Members(ModelSettings settings) => JsonObject.Parse(new JsonWriter().Object(settings.Write).ToString());
}
