namespace ModelBuildTasks.Accessors;

/// <summary>Writes how an embedded model's bytes are read: once for a Load, into one array of the right length, which the session is made from.</summary>
internal sealed class AccessorReading(SourceText source, AccessorItem accessor)
{
    // The worker writes, after the compressed bytes, the model's length in 8 bytes, little-endian, and its SHA-256.
    private const int LengthBytes = 8;
    private const int DigestBytes = 32;

    /// <summary>The expression of a stream of the model's bytes, for that of a stream of the compressed ones.</summary>
    public static string Decompressed(string stream) =>
        $"new global::System.IO.Compression.BrotliStream({stream}, global::System.IO.Compression.CompressionMode.Decompress)";

    public void Write(bool loads)
    {
        source.Block("private static global::System.IO.Stream Open(string name)", () => source.Add($"""
            return typeof({accessor.Class}).Assembly.GetManifestResourceStream(name)
                ?? throw new global::System.IO.FileNotFoundException("The assembly does not hold the resource " + name + ".", name);
            """)).Add("");
        if (!loads)
        {
            return;
        }

        source.Block("private static byte[] Read(string name)", () => source.Block("using (global::System.IO.Stream stream = Open(name))", accessor.Compressed ? ReadCompressed : ReadPlain)).Add("");
        source.Block("private static byte[] Fill(byte[] bytes, global::System.IO.Stream stream)", () => source.Add("""
            for (int read = 0; read < bytes.Length;)
            {
                int count = stream.Read(bytes, read, bytes.Length - read);
                if (count == 0) throw new global::System.IO.EndOfStreamException();
                read += count;
            }

            return bytes;
            """)).Add("");
    }

    private void ReadPlain() => source.Add("return Fill(new byte[checked((int)stream.Length)], stream);");

    // What a decoder says of damaged bytes differs by framework, and a flipped bit may decode: Brotli has no checksum.
    private void ReadCompressed()
    {
        source.Block("try", () => source.Add($$"""
            stream.Seek(-{{LengthBytes + DigestBytes}}, global::System.IO.SeekOrigin.End);
            byte[] trailer = Fill(new byte[{{LengthBytes + DigestBytes}}], stream);
            long length = 0;
            for (int i = {{LengthBytes - 1}}; i >= 0; i--) length = length << 8 | trailer[i];
            var model = new byte[checked((int)length)];
            stream.Position = 0;
            using (global::System.IO.Stream bytes = {{Decompressed("stream")}}) Fill(model, bytes);
            using (var sha256 = global::System.Security.Cryptography.SHA256.Create())
            {
                byte[] digest = sha256.ComputeHash(model);
                for (int i = 0; i < digest.Length; i++)
                {
                    if (digest[i] != trailer[{{LengthBytes}} + i]) throw new global::System.IO.InvalidDataException("its digest is that of other bytes");
                }
            }

            return model;
            """));
        source.Block("catch (global::System.Exception exception) when (exception is global::System.IO.IOException || exception is global::System.IO.InvalidDataException || exception is global::System.InvalidOperationException || exception is global::System.OverflowException)",
            () => source.Add("throw new global::System.IO.InvalidDataException(\"The resource \" + name + \" is damaged: \" + exception.Message, exception);"));
    }
}
