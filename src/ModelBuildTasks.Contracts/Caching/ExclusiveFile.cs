using System.IO;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// A lock between processes: a file that only one may have open, which the system closes with the process that held it. It is never
/// deleted: on Unix a waiter could then lock a file that no longer has a name, while another locks its successor.
/// </summary>
public static class ExclusiveFile
{
    // .NET gives the system's own number: ERROR_SHARING_VIOLATION, or EWOULDBLOCK from flock.
    private static readonly int s_isHeld =
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? unchecked((int)0x80070020) : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? 35 : 11;

    /// <param name="path">The file; its folder is made.</param>
    /// <returns>The lock, held until it is disposed; null when another has it.</returns>
    /// <exception cref="IOException">The file cannot be written: a full disk, a read-only folder.</exception>
    public static FileStream? TryOpen(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException fault) when (fault.HResult == s_isHeld)
        {
            return null;
        }
    }
}
