using System;
using System.Security.Cryptography;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>SHA-256 as the cache writes it: 64 lower-case hexadecimal digits.</summary>
public static class ContentHash
{
    private const int Digits = 64;

    public static string Of(byte[] bytes) => Of(bytes, 0, bytes.Length);

    public static string Of(byte[] bytes, int offset, int count)
    {
        using var sha256 = SHA256.Create();
        return ToHex(sha256.ComputeHash(bytes, offset, count));
    }

    /// <summary>Whether this is a hash, and so a file name that cannot lead out of a folder.</summary>
    public static bool IsHash(string text)
    {
        if (text.Length != Digits)
        {
            return false;
        }

        foreach (var digit in text)
        {
            if (digit is not ((>= '0' and <= '9') or (>= 'a' and <= 'f')))
            {
                return false;
            }
        }

        return true;
    }

    internal static string ToHex(byte[] hash) => BitConverter.ToString(hash).Replace("-", "").ToLowerInvariant();
}
