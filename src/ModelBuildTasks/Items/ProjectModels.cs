using System;
using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Items;

/// <summary>What the project's items say of the entries that its lock file may have.</summary>
internal static class ProjectModels
{
    /// <param name="variants">Every variant of this build; all variants of a model name the same targets.</param>
    /// <param name="isWholeProject">Whether the project has no other models for other target frameworks.</param>
    public static LockScope Scope(IEnumerable<ModelVariant> variants, bool isWholeProject) =>
        new(variants.GroupBy(variant => variant.Name, StringComparer.Ordinal).ToDictionary(model => model.Key, model => Targets(model.First()), StringComparer.Ordinal), isWholeProject);

    private static IReadOnlyList<string> Targets(ModelVariant variant) =>
        [.. ItemText.List(variant.Text(MetadataNames.Targets) ?? "").Select(TargetNames.Find).OfType<string>()];
}
