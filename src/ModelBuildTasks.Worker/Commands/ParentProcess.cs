using System.Diagnostics;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>The build node that started this process. One that is killed can cancel nothing, and its worker must not live on.</summary>
internal static class ParentProcess
{
    /// <summary>For the work to stop at its next step and remove what it had begun to write.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>A token that is cancelled when the process <paramref name="id"/> is gone. This process ends soon after, whatever it does then.</summary>
    internal static CancellationToken Gone(int id)
    {
        CancellationTokenSource gone = new();
        Thread watch = new(() =>
        {
            WaitForEnd(id);
            gone.Cancel();
            Thread.Sleep(Grace);
            Environment.Exit(ModelCommand.Interrupted);
        }) { IsBackground = true, Name = "parent process" };
        watch.Start();
        return gone.Token;
    }

    private static void WaitForEnd(int id)
    {
        try
        {
            using Process parent = Process.GetProcessById(id);
            parent.WaitForExit();
        }
        catch (ArgumentException)
        {
            // It is gone already.
        }
    }
}
