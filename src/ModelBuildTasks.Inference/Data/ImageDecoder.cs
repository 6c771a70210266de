using System.Buffers.Binary;
using ModelBuildTasks.Onnx;
using StbImageSharp;

namespace ModelBuildTasks.Inference.Data;

/// <summary>PNG and JPEG files to UInt8 tensors of shape [height, width, channels], 1 channel (gray) or 3 (RGB).</summary>
internal static class ImageDecoder
{
    /// <summary>Longest side that is decoded, in pixels.</summary>
    internal const int MaxSide = 16384;

    // 64 megapixels: beyond any model's input, and 200 MB decoded.
    private const long MaxPixels = 64 << 20;

    // The most a deflated byte expands to; see StoredArray.
    private const long DeflateLimit = 1032;

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Whether the name is one that these images go by.</summary>
    internal static bool HasName(string path) =>
        Path.GetExtension(path).ToUpperInvariant() is ".PNG" or ".JPG" or ".JPEG";

    /// <exception cref="DatasetException">The file is neither PNG nor JPEG, ends early, or declares more pixels than it can hold.</exception>
    internal static Tensor Decode(string path, int channels)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(DatasetError.NotFound, path, $"cannot be opened: {exception.Message}", exception);
        }

        CheckSize(path, bytes);
        try
        {
            ImageResult image = ImageResult.FromMemory(bytes, channels == 1 ? ColorComponents.Grey : ColorComponents.RedGreenBlue);
            return Tensor.FromBytes(ElementType.UInt8, [image.Height, image.Width, channels], image.Data);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The decoder meets damage with whatever its ported C code runs into, index errors among them.
            string reason = exception.Message.Trim('\0', ' ');
            throw DatasetException.Corrupt(path, $"the image cannot be decoded; it ends early or is damaged{(reason.Length == 0 ? "" : $" ({reason})")}.", exception);
        }
    }

    /// <summary>Looks at what the header declares before the decoder allocates it.</summary>
    private static void CheckSize(string path, ReadOnlySpan<byte> bytes)
    {
        (long width, long height) = bytes.StartsWith(PngSignature) ? PngSize(path, bytes) : JpegSize(path, bytes);
        if (width <= 0 || height <= 0 || width > MaxSide || height > MaxSide || width * height > MaxPixels)
        {
            throw DatasetException.Corrupt(path, $"the image declares {width} × {height} pixels; up to {MaxSide} a side and {MaxPixels} in all are read.");
        }
    }

    private static (long Width, long Height) PngSize(string path, ReadOnlySpan<byte> bytes)
    {
        const int HeaderEnd = 33;
        if (bytes.Length < HeaderEnd)
        {
            throw DatasetException.Corrupt(path, "the PNG file ends inside its header.");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        // One bit a pixel is the least that PNG stores; each row has a filter byte besides.
        if (height * (width / 8L + 1) > bytes.Length * DeflateLimit)
        {
            throw DatasetException.Corrupt(path, $"the PNG header declares {width} × {height} pixels, more than {bytes.Length} bytes can hold.");
        }

        return (width, height);
    }

    private static (long Width, long Height) JpegSize(string path, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8)
        {
            throw DatasetException.Corrupt(path, "neither a PNG nor a JPEG image.");
        }

        (long Width, long Height) size = default;
        int position = 2;
        while (position + 9 < bytes.Length && bytes[position] == 0xFF)
        {
            byte marker = bytes[position + 1];
            if (marker == 0xFF)
            {
                position++;
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 2)..]);
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                size = (BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 5)..]));
            }

            position += 2 + length;
            if (marker == 0xDA)
            {
                // The decoder fills a cut-off scan with gray and says nothing; a whole file ends with the EOI marker.
                return position < bytes.Length && bytes[position..].LastIndexOf([(byte)0xFF, (byte)0xD9]) >= 0
                    ? size
                    : throw DatasetException.Corrupt(path, "the JPEG file ends before its image does.");
            }
        }

        throw DatasetException.Corrupt(path, "the JPEG file ends before its image does.");
    }
}
