using System.Buffers;
using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Inference.Releases.NativeInterface.Function;

namespace ModelBuildTasks.Inference.Releases;

/// <summary>
/// A model in another release of ONNX Runtime than the one that this program is built on, on the CPU execution provider and with that release's own defaults. For a process of its own:
/// a release that crashes takes the process along, and two releases in one process may share state.
/// </summary>
public sealed unsafe class ReleaseSession : IDisposable
{
    /// <summary><c>ORT_LOGGING_LEVEL_FATAL</c>: errors come as statuses.</summary>
    private const int FatalOnly = 4;

    private const int ArenaAllocator = 1;
    private const int DefaultMemory = 0;

    private readonly NativeInterface native;
    private nint environment;
    private nint options;
    private nint memory;
    private nint session;

    /// <param name="library">Full path of the native library.</param>
    /// <param name="modelPath">Full path of the model.</param>
    /// <param name="threads">Threads inside an operator; 0 for what the release takes by itself.</param>
    /// <exception cref="UnusableLibraryException">The library can't be loaded.</exception>
    /// <exception cref="InferenceException">The library refuses the model; the message is its reason.</exception>
    public ReleaseSession(string library, string modelPath, int threads = 0)
    {
        native = NativeInterface.Load(library);
        try
        {
            fixed (byte* name = NativeInterface.Text("modelbuild"), path = NativeInterface.PathText(modelPath))
            fixed (nint* createdEnvironment = &environment, createdOptions = &options, createdMemory = &memory, createdSession = &session)
            {
                native.Check(((delegate* unmanaged[Stdcall]<int, byte*, nint*, nint>)native[CreateEnv])(FatalOnly, name, createdEnvironment));
                native.Check(((delegate* unmanaged[Stdcall]<nint*, nint>)native[CreateSessionOptions])(createdOptions));
                native.Check(((delegate* unmanaged[Stdcall]<nint, int, nint>)native[SetSessionLogSeverityLevel])(options, FatalOnly));
                native.Check(((delegate* unmanaged[Stdcall]<nint, int, nint>)native[SetIntraOpNumThreads])(options, threads));
                native.Check(((delegate* unmanaged[Stdcall]<int, int, nint*, nint>)native[CreateCpuMemoryInfo])(ArenaAllocator, DefaultMemory, createdMemory));
                native.Check(((delegate* unmanaged[Stdcall]<nint, byte*, nint, nint*, nint>)native[CreateSession])(environment, path, options, createdSession));
            }

            InputNames = Names(SessionGetInputCount, SessionGetInputName);
            OutputNames = Names(SessionGetOutputCount, SessionGetOutputName);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The release's own version, such as <c>1.17.3</c>.</summary>
    public string Version => native.Version;

    /// <summary>Names of the inputs, in the model's order.</summary>
    public IReadOnlyList<string> InputNames { get; }

    /// <summary>Names of the outputs, in the model's order.</summary>
    public IReadOnlyList<string> OutputNames { get; }

    /// <summary>Runs the model and copies the outputs.</summary>
    /// <param name="inputs">One tensor for each of <see cref="InputNames"/>, in that order.</param>
    /// <exception cref="InferenceException">The release can't run the model on these inputs.</exception>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Count != InputNames.Count)
        {
            throw new InferenceException($"The model has {InputNames.Count} inputs ({string.Join(", ", InputNames)}), {inputs.Count} tensors were given.");
        }

        nint[] outputs = new nint[OutputNames.Count];
        nint[] fed = new nint[inputs.Count];
        List<MemoryHandle> pins = [];
        List<GCHandle> texts = [];
        try
        {
            for (int i = 0; i < fed.Length; i++)
            {
                pins.Add(inputs[i].Data.Pin());
                fed[i] = Lend(inputs[i], (nint)pins[i].Pointer);
            }

            nint[] inputNames = Pin(InputNames, texts);
            nint[] outputNames = Pin(OutputNames, texts);
            fixed (nint* inputNamesStart = inputNames, outputNamesStart = outputNames, fedStart = fed, outputsStart = outputs)
            {
                native.Check(((delegate* unmanaged[Stdcall]<nint, nint, nint*, nint*, nint, nint*, nint, nint*, nint>)native[NativeInterface.Function.Run])(
                    session, 0, inputNamesStart, fedStart, fed.Length, outputNamesStart, outputs.Length, outputsStart));
            }

            return [.. outputs.Select(Copy)];
        }
        finally
        {
            foreach (nint value in fed.Concat(outputs))
            {
                native.Release(ReleaseValue, value);
            }

            pins.ForEach(pin => pin.Dispose());
            texts.ForEach(text => text.Free());
        }
    }

    public void Dispose()
    {
        native.Release(NativeInterface.Function.ReleaseSession, session);
        native.Release(ReleaseMemoryInfo, memory);
        native.Release(ReleaseSessionOptions, options);
        native.Release(ReleaseEnv, environment);
        (session, memory, options, environment) = (0, 0, 0, 0);
    }

    private nint Lend(Tensor tensor, nint data)
    {
        nint value;
        long[] dimensions = [.. tensor.Dimensions];
        fixed (long* shape = dimensions)
        {
            native.Check(((delegate* unmanaged[Stdcall]<nint, nint, nint, long*, nint, int, nint*, nint>)native[CreateTensorWithDataAsOrtValue])(
                memory, data, tensor.Data.Length, shape, dimensions.Length, (int)tensor.ElementType, &value));
        }

        return value;
    }

    private Tensor Copy(nint value)
    {
        int isTensor;
        native.Check(((delegate* unmanaged[Stdcall]<nint, int*, nint>)native[IsTensor])(value, &isTensor));
        if (isTensor == 0)
        {
            throw new InferenceException("An output is no tensor; only dense tensors can be read.");
        }

        nint info;
        native.Check(((delegate* unmanaged[Stdcall]<nint, nint*, nint>)native[GetTensorTypeAndShape])(value, &info));
        try
        {
            int type;
            nint rank;
            native.Check(((delegate* unmanaged[Stdcall]<nint, int*, nint>)native[GetTensorElementType])(info, &type));
            native.Check(((delegate* unmanaged[Stdcall]<nint, nint*, nint>)native[GetDimensionsCount])(info, &rank));
            long[] dimensions = new long[rank];
            fixed (long* shape = dimensions)
            {
                native.Check(((delegate* unmanaged[Stdcall]<nint, long*, nint, nint>)native[GetDimensions])(info, shape, rank));
            }

            ElementType element = (ElementType)type;
            if (element.BitsPerElement() == 0)
            {
                throw new InferenceException($"An output holds {element} elements; only numbers can be read.");
            }

            nint data;
            native.Check(((delegate* unmanaged[Stdcall]<nint, nint*, nint>)native[GetTensorMutableData])(value, &data));
            long bytes = element.ByteLength(dimensions.Aggregate(1L, (product, size) => checked(product * size)));
            return Tensor.FromBytes(element, dimensions, new ReadOnlySpan<byte>((void*)data, checked((int)bytes)).ToArray());
        }
        finally
        {
            native.Release(ReleaseTensorTypeAndShapeInfo, info);
        }
    }

    private string[] Names(NativeInterface.Function count, NativeInterface.Function name)
    {
        nint number, allocator;
        native.Check(((delegate* unmanaged[Stdcall]<nint, nint*, nint>)native[count])(session, &number));
        native.Check(((delegate* unmanaged[Stdcall]<nint*, nint>)native[GetAllocatorWithDefaultOptions])(&allocator));
        string[] names = new string[number];
        for (int i = 0; i < names.Length; i++)
        {
            nint text;
            native.Check(((delegate* unmanaged[Stdcall]<nint, nint, nint, nint*, nint>)native[name])(session, i, allocator, &text));
            names[i] = Marshal.PtrToStringUTF8(text) ?? "";
            native.Check(((delegate* unmanaged[Stdcall]<nint, nint, nint>)native[AllocatorFree])(allocator, text));
        }

        return names;
    }

    private static nint[] Pin(IReadOnlyList<string> names, List<GCHandle> pinned)
    {
        nint[] places = new nint[names.Count];
        for (int i = 0; i < places.Length; i++)
        {
            GCHandle text = GCHandle.Alloc(NativeInterface.Text(names[i]), GCHandleType.Pinned);
            pinned.Add(text);
            places[i] = text.AddrOfPinnedObject();
        }

        return places;
    }
}
