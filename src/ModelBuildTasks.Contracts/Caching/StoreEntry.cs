using System;
using System.Globalization;
using System.Text;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// What is stored under a key: which artifact, and the description that the writer gave of it. As bytes: four lines (SHA-256 of all
/// that follows, key, SHA-256 of the artifact, its length), then the description. The key inside keeps an entry from standing in for another.
/// </summary>
public sealed class StoreEntry
{
    private const int HeaderLines = 4;

    /// <param name="key">64 hexadecimal digits.</param>
    /// <param name="artifactSha256">64 hexadecimal digits.</param>
    /// <param name="artifactBytes">Length of the artifact.</param>
    /// <param name="description">Opaque to the store.</param>
    public StoreEntry(string key, string artifactSha256, long artifactBytes, byte[] description)
    {
        Key = key;
        ArtifactSha256 = artifactSha256;
        ArtifactBytes = artifactBytes;
        Description = description;
    }

    public string Key { get; }

    public string ArtifactSha256 { get; }

    public long ArtifactBytes { get; }

    public byte[] Description { get; }

    public byte[] ToBytes()
    {
        var header = Encoding.ASCII.GetBytes(string.Format(CultureInfo.InvariantCulture, "{0}\n{1}\n{2}\n", Key, ArtifactSha256, ArtifactBytes));
        var body = new byte[header.Length + Description.Length];
        header.CopyTo(body, 0);
        Description.CopyTo(body, header.Length);
        var digest = Encoding.ASCII.GetBytes(ContentHash.Of(body) + "\n");
        var bytes = new byte[digest.Length + body.Length];
        digest.CopyTo(bytes, 0);
        body.CopyTo(bytes, digest.Length);
        return bytes;
    }

    /// <returns>Null when the bytes are damaged, or none of ours.</returns>
    public static StoreEntry? Parse(byte[] bytes)
    {
        var lines = new string[HeaderLines];
        var position = 0;
        for (var line = 0; line < HeaderLines; line++)
        {
            var end = Array.IndexOf(bytes, (byte)'\n', position);
            if (end < 0)
            {
                return null;
            }

            lines[line] = Encoding.ASCII.GetString(bytes, position, end - position);
            position = end + 1;
        }

        var body = lines[0].Length + 1;
        if (!ContentHash.IsHash(lines[1]) || !ContentHash.IsHash(lines[2]) ||
            !long.TryParse(lines[3], NumberStyles.None, CultureInfo.InvariantCulture, out var length) ||
            lines[0] != ContentHash.Of(bytes, body, bytes.Length - body))
        {
            return null;
        }

        var description = new byte[bytes.Length - position];
        Array.Copy(bytes, position, description, 0, description.Length);
        return new StoreEntry(lines[1], lines[2], length, description);
    }
}
