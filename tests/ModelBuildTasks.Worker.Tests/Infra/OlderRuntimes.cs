using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>Older releases of ONNX Runtime, in the layout of their NuGet packages.</summary>
internal static class OlderRuntimes
{
    /// <summary>The package folder of a release; the test is skipped, with the reason, where it is not to be had.</summary>
    internal static AppRuntime Require(string version)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            Assert.Inconclusive("Older releases of ONNX Runtime are fetched for Linux on x64 only.");
        }

        try
        {
            return new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = version, Folder = NpmRuntimes.Folder(version) };
        }
        catch (InvalidOperationException fault)
        {
            Assert.Inconclusive(fault.Message);
            throw;
        }
    }
}
