using Google.Protobuf;
using Google.Protobuf.Reflection;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

/// <summary>Equality of models up to what the library may reorder: initializers and stated types, which ONNX finds by name.</summary>
internal static class ModelComparison
{
    internal static void AssertSame(ModelProto before, ModelProto after)
    {
        (ModelProto expected, ModelProto actual) = (Normal(before), Normal(after));
        Assert.IsTrue(expected.Equals(actual), expected.Equals(actual) ? "" : FirstDifference(expected, actual, "model"));
    }

    private static string FirstDifference(object? expected, object? actual, string path)
    {
        if (expected is IMessage before && actual is IMessage after)
        {
            FieldDescriptor? field = before.Descriptor.Fields.InDeclarationOrder().FirstOrDefault(field => !Equals(field.Accessor.GetValue(before), field.Accessor.GetValue(after)));
            return field is null ? $"{path}: unset or unknown fields of {before} and {after}" : FirstDifference(field.Accessor.GetValue(before), field.Accessor.GetValue(after), $"{path}.{field.Name}");
        }

        if (expected is System.Collections.IList one && actual is System.Collections.IList other && one.Count == other.Count)
        {
            int place = Enumerable.Range(0, one.Count).First(i => !Equals(one[i], other[i]));
            return FirstDifference(one[place], other[place], $"{path}[{place}]");
        }

        return $"{path}: {expected} and {actual}";
    }

    private static ModelProto Normal(ModelProto model)
    {
        ModelProto normal = model.Clone();
        Sort(normal.Graph);
        return normal;
    }

    private static void Sort(GraphProto graph)
    {
        TensorProto[] initializers = [.. graph.Initializer.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)];
        graph.Initializer.Clear();
        graph.Initializer.AddRange(initializers);
        ValueInfoProto[] types = [.. graph.ValueInfo.OrderBy(info => Convert.ToHexString(info.ToByteArray()), StringComparer.Ordinal)];
        graph.ValueInfo.Clear();
        graph.ValueInfo.AddRange(types);
        foreach (AttributeProto attribute in graph.Node.SelectMany(node => node.Attribute))
        {
            foreach (GraphProto inner in attribute.G is null ? attribute.Graphs : [attribute.G, .. attribute.Graphs])
            {
                Sort(inner);
            }
        }
    }
}
