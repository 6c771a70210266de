using System;
using System.Globalization;
using System.IO;

namespace ModelBuildTasks.Items;

/// <summary>
/// 64 bits over all of some bytes, as text, to see whether something changed: the rounds of xxHash64 (Collet, xxHash specification), in one
/// lane over words of eight bytes. It is made in every build, where SHA-256 would take three times as long and load OpenSSL first. Nothing is
/// stored under it: what an input is, its digest says.
/// </summary>
internal static class Fingerprint
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;

    private const int BlockWords = 1 << 15;

    public static string OfText(string text)
    {
        var value = 0UL;
        foreach (var character in text)
        {
            value = Mix(value, character);
        }

        return Text(value);
    }

    /// <summary>Of as many bytes as the stream says that it has.</summary>
    /// <exception cref="EndOfStreamException">It has fewer.</exception>
    public static string OfStream(Stream stream)
    {
        var words = new ulong[BlockWords];
        var bytes = new byte[BlockWords * sizeof(ulong)];
        var value = Mix(0, (ulong)stream.Length);
        for (var left = stream.Length; left > 0;)
        {
            var count = (int)Math.Min(bytes.Length, left);
            Fill(bytes, count, stream);
            // The last word is filled up with what an earlier block left there, or zeros: the same for the same stream.
            Buffer.BlockCopy(bytes, 0, words, 0, count);
            for (var i = 0; i < (count + sizeof(ulong) - 1) / sizeof(ulong); i++)
            {
                value = Mix(value, words[i]);
            }

            left -= count;
        }

        return Text(value);
    }

    // The rotation brings the high bits of a word, a weight's sign among them, to where the product spreads them.
    private static ulong Mix(ulong value, ulong word)
    {
        value += word * Prime2;
        return ((value << 31) | (value >> 33)) * Prime1;
    }

    private static void Fill(byte[] bytes, int count, Stream stream)
    {
        for (var filled = 0; filled < count;)
        {
            var read = stream.Read(bytes, filled, count - filled);
            if (read == 0)
            {
                throw new EndOfStreamException("The file ended while it was read.");
            }

            filled += read;
        }
    }

    private static string Text(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
