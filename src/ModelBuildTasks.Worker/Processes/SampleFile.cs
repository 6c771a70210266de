using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Processes;

/// <summary>Samples on their way to another process of this program: for each a list of tensors, for each tensor its type, sizes and bytes.</summary>
internal static class SampleFile
{
    internal static void Write(string path, IReadOnlyList<IReadOnlyList<Tensor>> samples)
    {
        using BinaryWriter writer = new(File.Create(path));
        writer.Write(samples.Count);
        foreach (IReadOnlyList<Tensor> sample in samples)
        {
            writer.Write(sample.Count);
            foreach (Tensor tensor in sample)
            {
                writer.Write((int)tensor.ElementType);
                writer.Write(tensor.Dimensions.Count);
                foreach (long size in tensor.Dimensions)
                {
                    writer.Write(size);
                }

                writer.Write(tensor.Data.Length);
                writer.Write(tensor.Data.Span);
            }
        }
    }

    /// <exception cref="IOException">The file cannot be read, or ends early.</exception>
    internal static IReadOnlyList<IReadOnlyList<Tensor>> Read(string path)
    {
        using BinaryReader reader = new(File.OpenRead(path));
        return Read(reader, () => Read(reader, () => ReadTensor(reader)));
    }

    private static T[] Read<T>(BinaryReader reader, Func<T> item) => [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => item())];

    private static Tensor ReadTensor(BinaryReader reader)
    {
        ElementType type = (ElementType)reader.ReadInt32();
        long[] dimensions = Read(reader, reader.ReadInt64);
        return Tensor.FromBytes(type, dimensions, reader.ReadBytes(reader.ReadInt32()));
    }
}
