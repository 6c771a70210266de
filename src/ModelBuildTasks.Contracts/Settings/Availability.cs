using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What of the documented surface this version carries out. The rest is refused by name: a setting that is accepted and
/// then ignored would ship something other than the project asked for.
/// </summary>
public static class Availability
{
    private static readonly Dictionary<Type, Array> s_choices = new()
    {
        [typeof(FineTune)] = new[] { FineTune.None, FineTune.Distill, FineTune.QuantizationAware },
    };

    /// <summary>The values of a choice that this version carries out.</summary>
    public static IReadOnlyList<T> Choices<T>() where T : struct, Enum => (T[])(s_choices.TryGetValue(typeof(T), out var choices) ? choices : Enum.GetValues(typeof(T)));

    internal static IEnumerable<Diagnostic> Check(ModelSettings settings, string? file) =>
    [
        .. Only(file, MetadataNames.Calibration, settings.Calibration),
        .. Only(file, MetadataNames.FineTune, settings.FineTune),
    ];

    private static IEnumerable<Diagnostic> Only<T>(string? file, string metadata, T value) where T : struct, Enum =>
        Choices<T>().Contains(value) ? []
            : [Diagnostic.Create(DiagnosticCatalogue.NotAvailable, file, metadata, value, $"; available: {string.Join(", ", Choices<T>())}")];
}
