using System.Runtime.InteropServices;

namespace ModelBuildTasks.Inference;

/// <summary>
/// ONNX Runtime 1.31 keeps usage events and a device id in the user's cache folder. A build tool has no business to: this turns it off
/// for this process, as ONNX Runtime's own variable does for all.
/// </summary>
public static partial class RuntimeTelemetry
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    /// <summary>Must come before anything of ONNX Runtime is loaded.</summary>
    public static void TurnOff()
    {
        Environment.SetEnvironmentVariable(Variable, "1");
        if (!OperatingSystem.IsWindows())
        {
            // .NET keeps an environment of its own on Unix, which native code does not see.
            _ = SetEnvironmentVariable(Variable, "1", overwrite: 1);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironmentVariable(string name, string value, int overwrite);
}
