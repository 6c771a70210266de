using System.Collections.ObjectModel;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference;

/// <summary>Name, element type and shape of a model's input or output, as ONNX Runtime sees it.</summary>
public sealed record TensorSignature(string Name, ElementType ElementType, IReadOnlyList<Dimension> Shape)
{
    /// <summary>What the model does itself to what this input is given; null when it says nothing of it.</summary>
    internal InputDescription? Preprocessing { get; init; }

    /// <summary>Whether the model takes raw numbers here, such as bytes of an image, and scales them itself.</summary>
    public bool IsPreprocessed => Preprocessing is not null;

    /// <summary>Height and width to which the model itself resizes what it is given; null where it does not.</summary>
    public (int Height, int Width)? ResizedTo => Preprocessing?.ImageSize is { } size ? (size[0], size[1]) : null;

    public override string ToString() => $"{Name}: {ElementType}[{string.Join(", ", Shape)}]";
}

/// <summary>How a session runs.</summary>
/// <param name="Threads">Threads inside one operator; 1 makes latency comparable between machines.</param>
/// <param name="Optimize">Whether ONNX Runtime may fuse operators. Off, it computes every tensor that the model names.</param>
public sealed record SessionSettings(int Threads = 1, bool Optimize = true)
{
    /// <summary>Where ONNX Runtime writes what each operator takes: the beginning of the file's path, for <see cref="ModelSession.EndProfiling"/>. Null for no profile.</summary>
    public string? ProfilePrefix { get; init; }
}

/// <summary>A model that ONNX Runtime refuses to load or to run.</summary>
public sealed class InferenceException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A loaded model on the CPU execution provider. <see cref="Run"/> may be called from several threads at once.</summary>
public sealed class ModelSession : IDisposable
{
    /// <summary>
    /// Models with more weights than this go to the runtime by a temporary file: as bytes, they would be copied twice. The
    /// runtime refuses bytes of 2 GB in any case.
    /// </summary>
    private const long LargestInMemory = 128L << 20;

    /// <summary>The option of ONNX Runtime for x64 (onnxruntime_session_options_config_keys.h).</summary>
    private const string ExactProducts = "session.x64quantprecision";

    /// <summary>The release of ONNX Runtime that runs here, such as <c>1.31.1</c>.</summary>
    public static string RuntimeVersion => OrtEnv.Instance().GetVersionString();

    private readonly InferenceSession session;
    private readonly TemporaryModel? file;
    private readonly RunOptions runOptions = new();
    private readonly string[] inputNames;
    private readonly string[] outputNames;

    private ModelSession(InferenceSession session, TemporaryModel? file = null)
    {
        this.session = session;
        this.file = file;
        inputNames = [.. session.InputNames];
        outputNames = [.. session.OutputNames];
        try
        {
            IReadOnlyDictionary<string, InputDescription> preprocessed = Preprocessed(session);
            Inputs = [.. inputNames.Select(name => Describe(name, session.InputMetadata[name]) with { Preprocessing = preprocessed.GetValueOrDefault(name) })];
            if (Inputs.FirstOrDefault(input => input.Preprocessing is { } done && (done.InputLayout is not null || done.ImageSize is not null) && input.Shape.Count is not (3 or 4)) is { } flat)
            {
                throw new JsonException($"input '{flat}' is called an image, which has 3 or 4 axes.");
            }
        }
        catch (JsonException fault)
        {
            session.Dispose();
            throw new InferenceException($"Its metadata '{Preprocessing.MetadataKey}' does not say what it does to its inputs: {fault.Message}", fault);
        }

        Outputs = [.. outputNames.Select(name => Describe(name, session.OutputMetadata[name]))];
    }

    /// <summary>The inputs that callers must feed, in the model's order.</summary>
    public IReadOnlyList<TensorSignature> Inputs { get; }

    /// <summary>The outputs, in the model's order.</summary>
    public IReadOnlyList<TensorSignature> Outputs { get; }

    /// <exception cref="InferenceException">ONNX Runtime refuses the model; the message is its reason.</exception>
    public static ModelSession Open(Model model, SessionSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        long weights = model.Graph.WithSubgraphs().SelectMany(graph => graph.Initializers).Sum(value => (long)value.Initializer!.Data.Length);
        return weights > LargestInMemory ? OpenFromFile(model, settings) : Open(model.ToBytes(), settings);
    }

    /// <inheritdoc cref="Open(Model, SessionSettings?)"/>
    public static ModelSession Open(byte[] model, SessionSettings? settings = null) =>
        Guard(() => new ModelSession(Create(settings, options => new InferenceSession(model, options))));

    /// <inheritdoc cref="Open(Model, SessionSettings?)"/>
    public static ModelSession Open(string path, SessionSettings? settings = null) =>
        Guard(() => new ModelSession(Create(settings, options => new InferenceSession(path, options))));

    private static ModelSession OpenFromFile(Model model, SessionSettings? settings)
    {
        TemporaryModel file = new(model);
        // Elsewhere than on Windows a mapped file can be deleted, and then nothing is left of it when the process is killed.
        bool staysWhileMapped = OperatingSystem.IsWindows();
        ModelSession? session = null;
        try
        {
            return session = Guard(() => new ModelSession(Create(settings, options => new InferenceSession(file.Path, options)), staysWhileMapped ? file : null));
        }
        finally
        {
            if (session is null || !staysWhileMapped)
            {
                file.Dispose();
            }
        }
    }

    /// <summary>Runs the model and copies the outputs.</summary>
    /// <param name="inputs">One tensor for each of <see cref="Inputs"/>, in that order.</param>
    /// <exception cref="InferenceException">ONNX Runtime cannot run the model on these inputs.</exception>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs)
    {
        using SessionRun run = RunBorrowed(inputs);
        return [.. Enumerable.Range(0, run.Count).Select(run.Copy)];
    }

    /// <summary>
    /// Samples in the types that this model takes: one with float16 inputs is compared with the float32 model that it was made of on the same samples. Nothing is copied where the types are right.
    /// </summary>
    /// <param name="inputs">One tensor for each of <see cref="Inputs"/>, in that order.</param>
    public IReadOnlyList<Tensor> Fit(IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Tensor[] fitting = [.. inputs.Zip(Inputs, (input, wanted) => (input.ElementType, wanted.ElementType) switch
        {
            (ElementType.Float, ElementType.Float16) => Tensor.Create([.. input.Dimensions], Array.ConvertAll(input.ToSingles(), number => (Half)number)),
            (ElementType.Float16, ElementType.Float) => Tensor.Create([.. input.Dimensions], input.ToSingles()),
            _ => input,
        })];
        return fitting.SequenceEqual(inputs) ? inputs : fitting;
    }

    /// <summary>Runs the model; the outputs stay in ONNX Runtime's memory until the result is disposed.</summary>
    /// <inheritdoc cref="Run"/>
    public SessionRun RunBorrowed(IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Count != inputNames.Length)
        {
            throw new ArgumentException($"The model has {inputNames.Length} inputs ({string.Join(", ", inputNames)}), {inputs.Count} tensors were given.", nameof(inputs));
        }

        List<LentTensor> lent = new(inputs.Count);
        try
        {
            foreach (Tensor input in Fit(inputs))
            {
                lent.Add(new LentTensor(input));
            }

            return Guard(() => new SessionRun(session.Run(runOptions, inputNames, [.. lent.Select(tensor => tensor.Value)], outputNames)));
        }
        finally
        {
            lent.ForEach(tensor => tensor.Dispose());
        }
    }

    /// <summary>Closes the profile that <see cref="SessionSettings.ProfilePrefix"/> opened.</summary>
    /// <returns>The file.</returns>
    public string EndProfiling() => Guard(session.EndProfiling);

    public void Dispose()
    {
        runOptions.Dispose();
        session.Dispose();
        file?.Dispose();
    }

    /// <summary>
    /// Opens with exact 8-bit products, so that what is measured is what the artifact gives on every processor; generated accessors do the same. Without VNNI
    /// they saturate, unless ONNX Runtime is asked to make weights unsigned. With VNNI it must not be asked: unsigned weights take 2 to 3 times as long there.
    /// ONNX Runtime 1.31 does not come to terms with 8-bit weights that two operators share, nor with signed ones beside signed activations: where the model is
    /// refused, it is opened as it is.
    /// </summary>
    private static InferenceSession Create(SessionSettings? settings, Func<SessionOptions, InferenceSession> open)
    {
        if (Vnni.IsMissing)
        {
            try
            {
                using SessionOptions exact = Configure(settings);
                exact.AddSessionConfigEntry(ExactProducts, "1");
                return open(exact);
            }
            catch (OnnxRuntimeException)
            {
                // Opened below.
            }
        }

        using SessionOptions options = Configure(settings);
        return open(options);
    }

    private static SessionOptions Configure(SessionSettings? settings)
    {
        settings ??= new SessionSettings();
        SessionOptions options = new()
        {
            IntraOpNumThreads = settings.Threads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = settings.Optimize ? GraphOptimizationLevel.ORT_ENABLE_ALL : GraphOptimizationLevel.ORT_DISABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        // Spinning threads of one session steal the cores of the next.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        if (settings.ProfilePrefix is { } prefix)
        {
            options.ProfileOutputPathPrefix = prefix;
            options.EnableProfiling = true;
        }

        return options;
    }

    private static IReadOnlyDictionary<string, InputDescription> Preprocessed(InferenceSession session) =>
        session.ModelMetadata.CustomMetadataMap.TryGetValue(Preprocessing.MetadataKey, out string? text)
            ? Preprocessing.FromMetadata(text) : ReadOnlyDictionary<string, InputDescription>.Empty;

    private static TensorSignature Describe(string name, NodeMetadata metadata)
    {
        if (!metadata.IsTensor)
        {
            return new TensorSignature(name, ElementType.Undefined, []);
        }

        int[] sizes = metadata.Dimensions;
        string[] symbols = metadata.SymbolicDimensions;
        Dimension[] shape = new Dimension[sizes.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = sizes[i] >= 0 ? sizes[i] : symbols[i].Length > 0 ? symbols[i] : Dimension.Unknown;
        }

        // ONNX Runtime numbers the element types as ONNX does.
        return new TensorSignature(name, (ElementType)(int)metadata.ElementDataType, shape);
    }

    private static T Guard<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (OnnxRuntimeException exception)
        {
            throw new InferenceException(exception.Message, exception);
        }
    }
}

/// <summary>Outputs of one run, in ONNX Runtime's memory.</summary>
public sealed class SessionRun : IDisposable
{
    private readonly IDisposableReadOnlyCollection<OrtValue> values;

    internal SessionRun(IDisposableReadOnlyCollection<OrtValue> values) => this.values = values;

    /// <summary>Number of outputs.</summary>
    public int Count => values.Count;

    /// <summary>Whether output <paramref name="index"/> is a tensor, and no sequence, map or optional.</summary>
    public bool IsTensor(int index) => values[index].IsTensor;

    /// <summary>The elements of output <paramref name="index"/>, valid until this object is disposed.</summary>
    public ReadOnlySpan<T> Span<T>(int index) where T : unmanaged => values[index].GetTensorDataAsSpan<T>();

    /// <summary>Element type of output <paramref name="index"/>.</summary>
    public ElementType TypeOf(int index) => (ElementType)(int)values[index].GetTensorTypeAndShape().ElementDataType;

    /// <summary>Sizes of output <paramref name="index"/>.</summary>
    public IReadOnlyList<long> ShapeOf(int index) => values[index].GetTensorTypeAndShape().Shape;

    /// <summary>A copy of output <paramref name="index"/> that outlives this object.</summary>
    /// <exception cref="InferenceException">The output is not a dense tensor of numbers.</exception>
    public Tensor Copy(int index)
    {
        OrtValue value = values[index];
        if (!value.IsTensor)
        {
            throw new InferenceException($"Output {index} is a {value.OnnxType}; only dense tensors can be read.");
        }

        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        if (((ElementType)(int)info.ElementDataType).BitsPerElement() == 0)
        {
            throw new InferenceException($"Output {index} holds {info.ElementDataType} elements; only numbers can be read.");
        }

        return Tensor.FromBytes((ElementType)(int)info.ElementDataType, info.Shape, value.GetTensorMutableRawData().ToArray());
    }

    public void Dispose() => values.Dispose();
}
