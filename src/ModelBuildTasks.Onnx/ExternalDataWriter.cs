using System.Globalization;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Moves weights out of a model message into one file beside it. Equal weights stand there once.</summary>
internal sealed class ExternalDataWriter
{
    /// <summary>Small tensors (shapes, scales) stay readable inside the model, as the ONNX tools do it.</summary>
    private const int SmallestExternal = 1024;

    /// <summary>"Offset values SHOULD be multiples of the page size (usually 4kb) to enable mmap support" (onnx.in.proto, external_data).</summary>
    private const int PageSize = 4096;

    /// <summary>"On Windows, offset values SHOULD be multiples of the VirtualAlloc allocation granularity (usually 64kb)" (the same).</summary>
    private const int AllocationGranularity = 65536;

    private readonly Stream stream;
    private readonly Dictionary<int, List<(ReadOnlyMemory<byte> Weights, long Offset)>> written = [];

    private ExternalDataWriter(Stream stream) => this.stream = stream;

    internal static bool IsNeeded(ModelProto model, long largest)
    {
        long weights = new ModelTensors(model).All.Sum(tensor => (long)tensor.RawData.Length);

        // Below 4 GiB the size that Protobuf counts in 32 bits is right when it is read without a sign.
        return weights > largest || (uint)model.CalculateSize() > largest;
    }

    /// <param name="model">The model, which is edited.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="locate">Gives the name that the model knows the file by, once it is written.</param>
    internal static void Write(ModelProto model, string path, Func<string> locate)
    {
        TensorProto[] tensors = [.. new ModelTensors(model).Dense.Where(tensor => tensor.RawData.Length >= SmallestExternal)];
        long[] offsets;
        using (FileStream stream = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            ExternalDataWriter writer = new(stream);
            offsets = [.. tensors.Select(tensor => writer.Place(tensor.RawData.Memory))];
        }

        string location = locate();
        foreach ((TensorProto tensor, long offset) in tensors.Zip(offsets))
        {
            Move(tensor, location, offset);
        }
    }

    private static void Move(TensorProto tensor, string location, long offset)
    {
        tensor.ExternalData.Add(Entry("location", location));
        tensor.ExternalData.Add(Entry("offset", offset.ToString(CultureInfo.InvariantCulture)));
        tensor.ExternalData.Add(Entry("length", tensor.RawData.Length.ToString(CultureInfo.InvariantCulture)));
        tensor.DataLocation = TensorEncoding.External;
        tensor.ClearRawData();
    }

    private long Place(ReadOnlyMemory<byte> weights)
    {
        if (!written.TryGetValue(weights.Length, out List<(ReadOnlyMemory<byte> Weights, long Offset)>? sameLength))
        {
            written.Add(weights.Length, sameLength = []);
        }

        foreach ((ReadOnlyMemory<byte> other, long at) in sameLength)
        {
            if (other.Span.SequenceEqual(weights.Span))
            {
                return at;
            }
        }

        int alignment = weights.Length < AllocationGranularity ? PageSize : AllocationGranularity;
        long offset = (stream.Position + alignment - 1) / alignment * alignment;
        stream.Position = offset;
        stream.Write(weights.Span);
        sameLength.Add((weights, offset));
        return offset;
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
