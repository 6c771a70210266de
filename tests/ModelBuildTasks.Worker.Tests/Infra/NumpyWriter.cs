using System.Runtime.InteropServices;
using System.Text;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>Writes <c>.npy</c> files (numpy/lib/format.py, version 1.0).</summary>
internal static class NumpyWriter
{
    internal static void Write(string path, long[] dimensions, float[] values) => Write(path, "<f4", dimensions, MemoryMarshal.AsBytes(values.AsSpan()));

    internal static void Write(string path, long[] dimensions, long[] values) => Write(path, "<i8", dimensions, MemoryMarshal.AsBytes(values.AsSpan()));

    private static void Write(string path, string type, long[] dimensions, ReadOnlySpan<byte> data)
    {
        byte[] header = Encoding.ASCII.GetBytes($"{{'descr': '{type}', 'fortran_order': False, 'shape': ({string.Concat(dimensions.Select(size => $"{size},"))}), }}\n");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using BinaryWriter writer = new(File.Create(path));
        writer.Write([0x93, .. "NUMPY"u8, 1, 0]);
        writer.Write((ushort)header.Length);
        writer.Write(header);
        writer.Write(data);
    }
}
