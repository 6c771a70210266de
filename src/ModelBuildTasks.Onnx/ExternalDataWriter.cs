using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Moves weights out of a model message into one file beside it.</summary>
internal static class ExternalDataWriter
{
    /// <summary>Protobuf cannot serialize messages of 2 GiB and more; the margin is for everything but weights.</summary>
    private const long LargestMessage = 2_000_000_000;

    /// <summary>Small tensors (shapes, scales) stay readable inside the model, as the ONNX tools do it.</summary>
    private const int SmallestExternal = 1024;

    /// <summary>ONNX recommends page-aligned offsets so that a runtime can map the weights (IR.md, "External Data").</summary>
    private const int Alignment = 4096;

    internal static bool IsNeeded(ModelProto model) => Tensors(model.Graph).Sum(tensor => (long)tensor.RawData.Length) > LargestMessage;

    internal static void Write(ModelProto model, string path, string location)
    {
        using FileStream stream = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 20);
        foreach (TensorProto tensor in Tensors(model.Graph))
        {
            if (tensor.RawData.Length < SmallestExternal)
            {
                continue;
            }

            long offset = (stream.Position + Alignment - 1) / Alignment * Alignment;
            stream.Position = offset;
            stream.Write(tensor.RawData.Span);
            tensor.ExternalData.Add(Entry("location", location));
            tensor.ExternalData.Add(Entry("offset", Text(offset)));
            tensor.ExternalData.Add(Entry("length", Text(tensor.RawData.Length)));
            tensor.DataLocation = TensorEncoding.External;
            tensor.ClearRawData();
        }
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static IEnumerable<TensorProto> Tensors(GraphProto graph)
    {
        foreach (TensorProto tensor in graph.Initializer)
        {
            yield return tensor;
        }

        foreach (AttributeProto attribute in graph.Node.SelectMany(node => node.Attribute))
        {
            if (attribute.T is { } tensor)
            {
                yield return tensor;
            }

            IEnumerable<GraphProto> inner = attribute.G is null ? attribute.Graphs : [attribute.G];
            foreach (TensorProto nested in inner.SelectMany(Tensors))
            {
                yield return nested;
            }
        }
    }
}
