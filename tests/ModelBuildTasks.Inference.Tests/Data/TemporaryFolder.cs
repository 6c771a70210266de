using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using StbImageWriteSharp;

namespace ModelBuildTasks.Inference.Tests.Data;

/// <summary>A folder for one test's files, with writers for the formats that data sets come in.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("modelbuild-data-").FullName;

    internal string this[string name] => System.IO.Path.Combine(Path, name);

    internal static TensorSignature Input(params Dimension[] shape) => new("x", ElementType.Float, shape);

    internal static DatasetException Fails(DatasetError error, Func<object> action)
    {
        DatasetException exception = Assert.ThrowsExactly<DatasetException>(action);
        Assert.AreEqual(error, exception.Error, exception.Message);
        return exception;
    }

    internal Dataset Open(string name, params TensorSignature[] inputs) => Dataset.Open(this[name], inputs);

    internal string Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    internal string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    internal string Describe(string json) => Write("dataset.json", json);

    internal static byte[] Idx(byte type, int[] dimensions, params byte[] data)
    {
        byte[] header = new byte[4 + 4 * dimensions.Length];
        (header[2], header[3]) = (type, (byte)dimensions.Length);
        for (int i = 0; i < dimensions.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + 4 * i), dimensions[i]);
        }

        return [.. header, .. data];
    }

    internal static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream result = new();
        using (GZipStream stream = new(result, CompressionLevel.Fastest))
        {
            stream.Write(bytes);
        }

        return result.ToArray();
    }

    internal static byte[] Npy<T>(string type, string shape, T[] data, bool fortran = false) where T : unmanaged
    {
        string header = $"{{'descr': '{type}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': {shape}, }}\n";
        byte[] length = BitConverter.GetBytes((ushort)header.Length);
        return [0x93, .. "NUMPY"u8, 1, 0, .. length, .. Encoding.ASCII.GetBytes(header), .. System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(data)];
    }

    internal string WriteNpz(string name, params (string Array, byte[] Npy)[] arrays)
    {
        using FileStream file = File.Create(this[name]);
        using ZipArchive archive = new(file, ZipArchiveMode.Create);
        foreach ((string array, byte[] npy) in arrays)
        {
            using Stream entry = archive.CreateEntry(array + ".npy").Open();
            entry.Write(npy);
        }

        return this[name];
    }

    /// <summary>A PNG of one colour.</summary>
    internal string WritePng(string name, int width, int height, byte red, byte green, byte blue)
    {
        byte[] pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i += 3)
        {
            (pixels[i], pixels[i + 1], pixels[i + 2]) = (red, green, blue);
        }

        using MemoryStream stream = new();
        new ImageWriter().WritePng(pixels, width, height, ColorComponents.RedGreenBlue, stream);
        return Write(name, stream.ToArray());
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
