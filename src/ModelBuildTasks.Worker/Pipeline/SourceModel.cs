using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// The model as the project has it: read once, loaded in ONNX Runtime, never written. One of bfloat16 that ONNX Runtime refuses stands as what it is in float32: there is nothing else to verify, measure and judge by.
/// </summary>
internal sealed class SourceModel : IDisposable
{
    private TemporaryModel? lifted;

    private SourceModel(string path, Model stored, Model model, ModelSession session)
    {
        Path = path;
        Stored = stored;
        Model = model;
        Session = session;
        Bytes = SizeOf(path, stored.ExternalDataFiles);
    }

    internal string Path { get; }

    /// <summary>What the file holds.</summary>
    internal Model Stored { get; }

    /// <summary>What is optimized, and passes through where nothing else may ship: what the file holds, if ONNX Runtime loads that.</summary>
    internal Model Model { get; }

    internal ModelSession Session { get; }

    /// <summary>The model that is optimized in the place of this one, which judges it; null where it is this one.</summary>
    internal SourceModel? Student { get; set; }

    /// <summary>What optimization begins with.</summary>
    internal SourceModel Start => Student ?? this;

    /// <summary>Size of the file and of its external data.</summary>
    internal long Bytes { get; }

    /// <summary>How the model became float32 (<see cref="Float32Conversion"/>); null where it is what the file holds.</summary>
    internal Step? Lifting { get; private init; }

    /// <summary>Bytes of what passes through where nothing else may ship.</summary>
    internal long PassedThroughBytes => Lifting is null ? Bytes : Math.Max(Bytes, Model.StoredBytes);

    /// <summary>A file of what <see cref="Session"/> runs.</summary>
    /// <exception cref="IOException">The temporary folder has no room for it.</exception>
    internal string RunnablePath => Lifting is null ? Path : (lifted ??= new TemporaryModel(Model)).Path;

    /// <summary>An input or output that is not a tensor of numbers (a sequence, a map, strings); null when there is none.</summary>
    internal TensorSignature? Opaque => Session.Inputs.Concat(Session.Outputs).FirstOrDefault(signature => signature.ElementType.BitsPerElement() == 0);

    /// <exception cref="ModelFormatException">It is not a whole ONNX model.</exception>
    /// <exception cref="InferenceException">ONNX Runtime refuses it.</exception>
    internal static SourceModel Load(string path)
    {
        Model model;
        try
        {
            model = Model.Load(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(ModelFormatError.Truncated, $"It cannot be read: {exception.Message}", exception);
        }

        try
        {
            return new SourceModel(path, model, model, ModelSession.Open(path));
        }
        catch (InferenceException) when (Float32Conversion.HoldsBFloat16(model))
        {
            return Lift(path, model);
        }
    }

    public void Dispose()
    {
        Session.Dispose();
        lifted?.Dispose();
        Student?.Dispose();
    }

    private static SourceModel Lift(string path, Model stored)
    {
        Model model = stored.Clone();
        Float32Conversion conversion = new();
        PassOutcome outcome = conversion.Apply(model, new PassContext(TargetProfiles.Cpu));
        if (!outcome.Changed)
        {
            throw new InferenceException($"it is of bfloat16, in which ONNX Runtime does not compute it on a processor, and can't be lifted to float32: {outcome.Explanation}");
        }

        try
        {
            return new SourceModel(path, stored, model, ModelSession.Open(model))
            {
                Lifting = new Step(conversion.Name, outcome.Changed, $"ONNX Runtime does not compute its bfloat16 on a processor. {outcome.Explanation}") { Reasons = outcome.Refusals },
            };
        }
        catch (InferenceException fault)
        {
            throw new InferenceException($"it is of bfloat16, in which ONNX Runtime does not compute it on a processor, and lifted to float32 it is refused, too: {fault.Message}", fault);
        }
    }

    private static long SizeOf(string path, IReadOnlyList<string> externalData) =>
        new FileInfo(path).Length + externalData.Sum(file => new FileInfo(file).Length);
}
