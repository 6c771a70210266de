using System.Runtime.InteropServices;
using System.Text;

namespace ModelBuildTasks.Inference.Releases;

/// <summary>
/// The C interface of a release of ONNX Runtime: one table of functions that only grows, so that the places of 1.0 hold for every later release
/// (onnxruntime_c_api.h, <c>OrtApi</c>: "all new functions are added at the end"). The managed package can't be used for this, for it asks a library for the table of its own release.
/// </summary>
internal sealed unsafe class NativeInterface
{
    /// <summary>The first version of the table, which every release gives.</summary>
    private const uint TableVersion = 1;

    private readonly nint* table;

    private NativeInterface(nint* table, string version)
    {
        this.table = table;
        Version = version;
    }

    /// <summary>Places in the table.</summary>
    internal enum Function
    {
        GetErrorMessage = 2,
        CreateEnv = 3,
        CreateSession = 7,
        Run = 9,
        CreateSessionOptions = 10,
        SetSessionLogSeverityLevel = 22,
        SetIntraOpNumThreads = 24,
        SessionGetInputCount = 30,
        SessionGetOutputCount = 31,
        SessionGetInputName = 36,
        SessionGetOutputName = 37,
        CreateTensorWithDataAsOrtValue = 49,
        IsTensor = 50,
        GetTensorMutableData = 51,
        GetTensorElementType = 60,
        GetDimensionsCount = 61,
        GetDimensions = 62,
        GetTensorTypeAndShape = 65,
        CreateCpuMemoryInfo = 69,
        AllocatorFree = 76,
        GetAllocatorWithDefaultOptions = 78,
        ReleaseEnv = 92,
        ReleaseStatus = 93,
        ReleaseMemoryInfo = 94,
        ReleaseSession = 95,
        ReleaseValue = 96,
        ReleaseTensorTypeAndShapeInfo = 99,
        ReleaseSessionOptions = 100,
    }

    /// <summary>What the library calls its version, such as <c>1.17.3</c>.</summary>
    internal string Version { get; }

    /// <param name="library">Full path of the native library of this platform. It is not unloaded: its threads may outlive any call.</param>
    /// <exception cref="UnusableLibraryException">It can't be loaded, or is no ONNX Runtime.</exception>
    internal static NativeInterface Load(string library)
    {
        try
        {
            nint* start = (nint*)((delegate* unmanaged[Stdcall]<nint>)NativeLibrary.GetExport(NativeLibrary.Load(library), "OrtGetApiBase"))();
            nint* table = (nint*)((delegate* unmanaged[Stdcall]<uint, nint>)start[0])(TableVersion);
            string version = Marshal.PtrToStringUTF8(((delegate* unmanaged[Stdcall]<nint>)start[1])()) ?? "";
            return table is null ? throw new UnusableLibraryException($"ONNX Runtime {version} in '{library}' has no C interface of version {TableVersion}.") : new NativeInterface(table, version);
        }
        catch (Exception fault) when (fault is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new UnusableLibraryException($"'{library}' is no ONNX Runtime that this machine can load: {fault.Message}", fault);
        }
    }

    /// <summary>The address of a function.</summary>
    internal nint this[Function function] => table[(int)function];

    /// <summary>Throws what a status says; null is success.</summary>
    /// <exception cref="InferenceException">The status is an error.</exception>
    internal void Check(nint status)
    {
        if (status == 0)
        {
            return;
        }

        string message = Marshal.PtrToStringUTF8(((delegate* unmanaged[Stdcall]<nint, nint>)this[Function.GetErrorMessage])(status)) ?? "unknown error";
        Release(Function.ReleaseStatus, status);
        throw new InferenceException(message);
    }

    /// <summary>Calls a function of which the one argument is an object to free; nothing is freed of null.</summary>
    internal void Release(Function release, nint handle)
    {
        if (handle != 0)
        {
            ((delegate* unmanaged[Stdcall]<nint, void>)this[release])(handle);
        }
    }

    /// <summary>A path as the library takes it: UTF-16 on Windows, UTF-8 elsewhere, with the zero at its end.</summary>
    internal static byte[] PathText(string path) => OperatingSystem.IsWindows() ? [.. Encoding.Unicode.GetBytes(path), 0, 0] : Text(path);

    internal static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
