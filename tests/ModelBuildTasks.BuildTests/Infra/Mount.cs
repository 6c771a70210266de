using System.Diagnostics;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>A small disk of its own under a folder, to be full or read-only. Needs Linux and the right to mount.</summary>
internal sealed class Mount : IDisposable
{
    private readonly string _folder;

    /// <param name="folder">The folder; it is made.</param>
    /// <param name="size">As mount(8) takes it: "64k".</param>
    public Mount(string folder, string size)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("A small disk is mounted with Linux's tmpfs.");
        }

        _folder = Directory.CreateDirectory(folder).FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", _folder) is { Length: > 0 } refusal)
        {
            Assert.Inconclusive($"This user can't mount a disk: {refusal}");
        }
    }

    /// <param name="options">"ro", or "size=16m".</param>
    public void Change(string options) => Assert.AreEqual("", Run("mount", "-o", $"remount,{options}", _folder));

    public void Dispose() => Run("umount", _folder);

    /// <returns>What the program had to say when it failed.</returns>
    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : $"exit code {process.ExitCode}: {errors.Trim()}";
    }
}
