using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>The rules of the simplification that <c>DisabledRules</c> can switch off, in the order in which they are tried.</summary>
public static class SimplificationRules
{
    public static IReadOnlyList<string> All { get; } =
    [
        "FixedInitializers", "ConstantToInitializer", "SettleBranchByRank", "InlineBranch", "RemoveDeadOutputs", "RemoveNoOp", "FoldShape", "RemoveExpand",
        "FixReshape", "MergeCasts", "SqueezeBeforeTranspose", "MeetTransposes", "MergeTransposes", "MergeReshapes", "KeepGatheredAxis", "KeepReducedAxes",
        "SliceShuffledChannels", "MergeSlices", "MergeSlicesIntoSplit", "MergeConcats", "SplitOfConcat", "FoldPad", "FuseLayerNormalization",
        "FuseRmsNormalization", "FuseGelu", "FuseHardSigmoid", "FuseAttention", "FoldBatchNormalization", "FoldChannelArithmetic", "FoldLeadingAffine",
        "MatMulAddToGemm", "MergeClamps", "FoldConstants", "MergeDuplicateNodes", "MergeDuplicateInitializers",
    ];

    /// <summary>The names in a list that is separated by semicolons or commas, as written here; unknown ones as they are.</summary>
    internal static string[] Split(string? list) =>
    [
        .. (list ?? "").Split(';', ',').Select(name => name.Trim()).Where(name => name.Length > 0)
            .Select(name => All.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name)
            .Distinct().OrderBy(name => name, StringComparer.Ordinal),
    ];

    /// <summary>What may be written, the name that <paramref name="unknown"/> resembles most first.</summary>
    internal static string Offer(string unknown)
    {
        // A name that is cut short is many edits away from the whole.
        var nearest = All.OrderByDescending(known => known.StartsWith(unknown, StringComparison.OrdinalIgnoreCase)).ThenBy(known => EditDistance.Between(known, unknown)).First();
        return $"{nearest} (the nearest), {string.Join(", ", All.Where(known => known != nearest))}";
    }
}
