using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>One model for one target.</summary>
/// <param name="Name">The model's logical name.</param>
/// <param name="Result">What became of it.</param>
internal sealed record ReportedModel(string Name, OptimizationResult Result)
{
    private const string ResultExtension = ".result.json";

    /// <summary>What the lock file has against the result, which fails the build; null where the two were not compared.</summary>
    public IReadOnlyList<Diagnostic>? LockFindings { get; init; }

    internal string Target => Result.Target;

    internal string Title => $"{Name} for {Target}";

    /// <summary>Bytes that the app carries; null without an artifact.</summary>
    internal long? ShippedBytes => Result.IsCompressed ? Result.Optimized?.CompressedBytes : Result.Optimized?.Bytes;

    /// <summary><see cref="ShippedBytes"/> over those of the source model, as <c>MaxSizeRatio</c> is judged; null without an artifact.</summary>
    internal double? SizeRatio => Result.Original is { Bytes: > 0 } original ? (double?)ShippedBytes / original.Bytes : null;

    /// <summary>The verdict on a budget; null where none is written.</summary>
    internal JudgedBudget? Budget(string name) => Result.Budgets.FirstOrDefault(budget => budget.Name == name);

    /// <summary>All that is to be said of the model.</summary>
    internal IEnumerable<Diagnostic> Diagnostics => Result.Diagnostics.Concat(LockFindings ?? []);

    /// <summary>A result is named after its model: <c>digits.result.json</c>, or <c>digits.cpu.result.json</c>.</summary>
    /// <param name="path">The result file.</param>
    /// <param name="locked">Compares it with the lock file; null for none.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not a result of this version.</exception>
    internal static ReportedModel Read(string path, LockCheck? locked = null)
    {
        OptimizationResult result = OptimizationResult.Read(path);
        string file = Path.GetFileName(path);
        string name = file.EndsWith(ResultExtension, StringComparison.OrdinalIgnoreCase) ? file[..^ResultExtension.Length] : Path.GetFileNameWithoutExtension(file);
        string suffix = $".{result.Target}";
        return new ReportedModel(name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : name, result) { LockFindings = locked?.Of(path, result) };
    }
}
