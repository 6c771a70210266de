namespace ModelBuildTasks.Execution;

/// <summary>Exit codes that say something though there is no result.</summary>
internal static class WorkerExit
{
    // A process that a signal ended exits with 128 and the signal's number; Windows has STATUS_CONTROL_C_EXIT.
    private const int Interrupted = 128 + 2;
    private const int Terminated = 128 + 15;
    private const int ControlC = unchecked((int)0xC000013A);

    // FrameworkMissingFailure (https://github.com/dotnet/runtime/blob/main/docs/design/features/host-error-codes.md); Unix keeps the last byte.
    private const int FrameworkMissing = unchecked((int)0x80008096);

    /// <summary>Whether Ctrl+C or SIGTERM ended the worker.</summary>
    public static bool IsInterruption(int exitCode) => exitCode is Interrupted or Terminated or ControlC;

    /// <summary>Whether the host found no runtime of the kind that the worker needs.</summary>
    public static bool IsMissingRuntime(int exitCode) => exitCode is FrameworkMissing or (FrameworkMissing & 0xFF);
}
