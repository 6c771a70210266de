using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using ModelBuildTasks.Signatures;

namespace ModelBuildTasks.Accessors;

/// <summary>One input or output with its C# names. <paramref name="Element"/> is null when the type can't be handed out.</summary>
internal sealed record AccessorTensor(
    string Name, TensorElement? Element, IReadOnlyList<SignatureDimension>? Shape, string Constants, string Member, string Parameter)
{
    public string ElementTypeName => Element?.OnnxRuntime ?? "Other";

    public bool IsScalar => Shape is { Count: 0 };

    public bool IsStatic => Shape is not null && Shape.All(dimension => dimension.Size is not null);

    /// <summary>"Float [N, 1, 28, 28]", safe in a documentation comment.</summary>
    public string Description => CSharpNames.Comment($"{Name}: {ElementTypeName} {(Shape is null ? "of any rank" : $"[{string.Join(", ", Shape.Select(Text))}]")}");

    private static string Text(SignatureDimension dimension) => dimension.Size?.ToString(CultureInfo.InvariantCulture) ?? dimension.Symbol ?? "?";
}

/// <summary>A dimension's size in the generated Run: known, inferred from the length of the data, or a parameter.</summary>
internal sealed record AccessorSize(string Key, string Variable);

/// <summary>Gives every tensor and dynamic dimension of a model a C# name of its own.</summary>
internal sealed class AccessorMembers
{
    // What the generated class, its nested classes and System.Object already call something.
    private static readonly string[] TakenMembers =
    [
        "Load", "LoadWith", "Run", "Dispose", "OpenRead", "Variant", "Variants", "ExecutionProvider", "Session", "Inputs", "Outputs", "Result", "Locate", "Find", "Open", "Read", "Fill", "ForThisProcessor", "InputNames", "OutputNames", "Infer", "Check", "Create", "CreateText", "Name", "Shape", "ElementType", "Choose", "ProductsSaturate", "TensorRtOptions",
        "Equals", "ReferenceEquals", "GetHashCode", "GetType", "ToString", "MemberwiseClone", "Finalize",
    ];

    private readonly HashSet<string> _parameters = new(StringComparer.Ordinal) { "input", "inputs", "outputs", "data", "run", "i" };
    private readonly Dictionary<string, string> _sizes = new(StringComparer.Ordinal);

    public AccessorMembers(string className, ModelSignature signature)
    {
        Inputs = Name(className, signature.Inputs);
        Outputs = Name(className, signature.Outputs);
    }

    /// <summary>Whether a member of every accessor has this name, which the class itself then can't have.</summary>
    public static bool IsTaken(string name) => TakenMembers.Contains(name, StringComparer.Ordinal);

    public IReadOnlyList<AccessorTensor> Inputs { get; }

    public IReadOnlyList<AccessorTensor> Outputs { get; }

    /// <summary>The variable for a dynamic dimension; one for each symbol, and for each nameless dimension its own.</summary>
    public AccessorSize Size(AccessorTensor tensor, int axis)
    {
        var key = tensor.Shape![axis].Symbol ?? $"{tensor.Name}\n{axis}";
        if (!_sizes.TryGetValue(key, out var variable))
        {
            var name = tensor.Shape[axis].Symbol ?? $"{tensor.Name} size{axis.ToString(CultureInfo.InvariantCulture)}";
            _sizes.Add(key, variable = CSharpNames.Unique(CSharpNames.Camel(name), _parameters));
        }

        return new AccessorSize(key, variable);
    }

    private List<AccessorTensor> Name(string className, IEnumerable<SignatureValue> values)
    {
        var members = new HashSet<string>([.. TakenMembers, className], StringComparer.Ordinal);
        return [.. values.Select(value =>
        {
            var member = CSharpNames.Unique(CSharpNames.Pascal(value.Name), members);
            // An output "scores" and an output "scoresShape" would both want the member ScoresShape.
            members.Add($"{member}Shape");
            return new AccessorTensor(value.Name, TensorElement.Find(value.ElementType), value.Shape, member, member,
                CSharpNames.Unique(CSharpNames.Camel(value.Name), _parameters));
        })];
    }
}
