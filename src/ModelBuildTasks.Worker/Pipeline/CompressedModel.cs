using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// An artifact as <c>Compress="true"</c> embeds it: a Brotli stream (RFC 7932), then the model's length in 8 bytes, little-endian, and its
/// SHA-256. At the end, so that a BrotliStream reads the file as any other; there at all, since Brotli tells neither: the accessor takes
/// one buffer of the right length, and proves what it holds.
/// </summary>
internal static class CompressedModel
{
    /// <summary>What a file of this kind is called after the model's own extension.</summary>
    internal const string Extension = ".br";

    /// <summary>Brotli's best: 1 % smaller than 5 for float weights, 4 % with zeros among them, 10 to 13 % for 8-bit weights with zeros (MeterReader). It takes some 3 seconds for each MB.</summary>
    private const int ShippingQuality = 11;

    /// <summary>Some 10 MB a second and more, and little larger.</summary>
    private const int QuickQuality = 5;

    /// <summary>Larger models ship in <see cref="QuickQuality"/>: the best would take more than a minute.</summary>
    private const long MostForShippingQuality = 16 << 20;

    /// <summary>log2 of the window: 4 MB, which a decoder holds beside the model. The largest, 16 MB, made squeezenet's 5 MB no smaller.</summary>
    private const int WindowBits = 22;

    private const int ChunkBytes = 1 << 16;

    /// <summary>What follows the stream: the length and the digest.</summary>
    internal const int TrailerBytes = sizeof(long) + SHA256.HashSizeInBytes;

    /// <summary>Compresses a file.</summary>
    /// <param name="modelPath">The model.</param>
    /// <param name="sha256">Its SHA-256, hexadecimal.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Asked every few milliseconds.</param>
    internal static void Write(string modelPath, string sha256, string path, IProgress<PipelineProgress> progress, CancellationToken cancellation)
    {
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None);
        long length = new FileInfo(modelPath).Length;
        Encode([modelPath], file, isForShipping: true, done => progress.Report(new PipelineProgress("compressing", (double)done / length)), cancellation);
        Span<byte> trailer = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, length);
        file.Write(trailer);
        file.Write(Convert.FromHexString(sha256));
    }

    /// <summary>What the files of one model would have together.</summary>
    /// <param name="files">The model and its external data.</param>
    /// <param name="isForShipping">As <see cref="Write"/> does it; else quickly, which gives a little more.</param>
    /// <param name="cancellation">Asked every few milliseconds.</param>
    internal static long Measure(IReadOnlyList<string> files, bool isForShipping, CancellationToken cancellation) =>
        Encode(files, Stream.Null, isForShipping, _ => { }, cancellation);

    /// <summary>Writes the model of a compressed file to <paramref name="destination"/>, no more of it than the file says that there is.</summary>
    /// <exception cref="ModelFormatException">The file is damaged, or none of this kind.</exception>
    internal static void Restore(string path, string destination)
    {
        using FileStream compressed = File.OpenRead(path);
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        if (compressed.Length < trailer.Length)
        {
            throw new ModelFormatException(ModelFormatError.Truncated, $"'{path}' is shorter than what ends a compressed model.");
        }

        compressed.Seek(-trailer.Length, SeekOrigin.End);
        compressed.ReadExactly(trailer);
        compressed.Position = 0;
        long left = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        using BrotliStream model = new(compressed, CompressionMode.Decompress);
        using FileStream file = File.Create(destination);
        using IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[ChunkBytes];
        try
        {
            for (int count; left > 0 && (count = model.Read(chunk, 0, (int)Math.Min(left, chunk.Length))) > 0; left -= count)
            {
                file.Write(chunk, 0, count);
                digest.AppendData(chunk, 0, count);
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or InvalidDataException)
        {
            throw new ModelFormatException(ModelFormatError.Truncated, exception.Message, exception);
        }

        if (left != 0 || !digest.GetHashAndReset().AsSpan().SequenceEqual(trailer[sizeof(long)..]))
        {
            throw new ModelFormatException(ModelFormatError.Truncated, $"'{path}' does not hold the model that its length and digest tell of.");
        }
    }

    private static long Encode(IReadOnlyList<string> files, Stream destination, bool isForShipping, Action<long> report, CancellationToken cancellation)
    {
        bool isSmallEnough = files.Sum(file => new FileInfo(file).Length) <= MostForShippingQuality;
        using BrotliEncoder encoder = new(isForShipping && isSmallEnough ? ShippingQuality : QuickQuality, WindowBits);
        byte[] chunk = new byte[ChunkBytes];
        byte[] encoded = new byte[ChunkBytes];
        long done = 0;
        long written = 0;
        foreach (string path in files)
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            for (int count; (count = file.Read(chunk)) > 0; done += count)
            {
                cancellation.ThrowIfCancellationRequested();
                Append(chunk.AsSpan(0, count), isFinal: false);
                report(done);
            }
        }

        Append([], isFinal: true);
        return written;

        void Append(ReadOnlySpan<byte> source, bool isFinal)
        {
            OperationStatus status;
            do
            {
                status = encoder.Compress(source, encoded, out int consumed, out int count, isFinal);
                destination.Write(encoded, 0, count);
                written += count;
                source = source[consumed..];
            }
            while (status == OperationStatus.DestinationTooSmall);
        }
    }
}
