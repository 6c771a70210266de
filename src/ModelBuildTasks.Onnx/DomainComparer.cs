namespace ModelBuildTasks.Onnx;

/// <summary>Compares names of operator domains: that of the standard operators is empty, and may also be written "ai.onnx" (ONNX docs/IR.md).</summary>
internal sealed class DomainComparer : IEqualityComparer<string>
{
    private const string WrittenOut = "ai.onnx";

    internal static DomainComparer Instance { get; } = new();

    public bool Equals(string? x, string? y) => string.Equals(Short(x), Short(y), StringComparison.Ordinal);

    public int GetHashCode(string obj) => Short(obj)!.GetHashCode(StringComparison.Ordinal);

    internal static string? Short(string? domain) => domain == WrittenOut ? "" : domain;
}
