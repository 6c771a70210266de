using System.Diagnostics;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests.Malformed;

/// <summary>What reading and writing one malformed model led to.</summary>
/// <param name="Mutation">What was wrong with the model, and the number that makes the same one again.</param>
/// <param name="FileBytes">Size of the file.</param>
/// <param name="Allocated">Managed bytes that were allocated.</param>
/// <param name="Elapsed">Wall time.</param>
/// <param name="Refusal">Why the model was refused; null when it loaded and was written.</param>
/// <param name="Fault">An exception that is no refusal; null when all is well.</param>
internal sealed record MalformedOutcome(string Mutation, long FileBytes, long Allocated, TimeSpan Elapsed, ModelFormatException? Refusal, Exception? Fault)
{
    /// <summary>
    /// A field of two bytes can be a node, and a node with its lists and messages, read, connected, copied and written, takes this
    /// many bytes for each of its own.
    /// </summary>
    private const long MostPerByte = 4000;

    /// <summary>What a small model may take.</summary>
    private const long MostForAny = 4 << 20;

    /// <summary>Far from what any of these models takes, on a busy machine too: only what does not end passes it.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>What is wrong; null when the outcome is as it should be.</summary>
    internal string? Problem =>
        Fault is not null ? $"{Mutation}: {Fault.GetType().Name} instead of a ModelFormatException: {Fault}"
        : Allocated > MostForAny + MostPerByte * FileBytes ? $"{Mutation}: {Allocated} bytes allocated for a file of {FileBytes}"
        : Elapsed > Longest ? $"{Mutation}: took {Elapsed}"
        : null;
}

/// <summary>Malformed models by number: seeds are small real models and random ones.</summary>
internal sealed class MalformedModels : IDisposable
{
    /// <summary>Mutations of larger models find the same, more slowly.</summary>
    private const long LargestSeed = 128 << 10;

    private const int RandomSeeds = 100;

    private readonly string folder = Directory.CreateTempSubdirectory("onnx-malformed-").FullName;
    private readonly List<ModelProto> seeds;

    /// <param name="realModels">A folder of models; what is not there is left out.</param>
    internal MalformedModels(string realModels)
    {
        IEnumerable<string> real = Directory.Exists(realModels)
            ? Directory.EnumerateFiles(realModels, "*.onnx").Where(path => new FileInfo(path).Length <= LargestSeed).Order(StringComparer.Ordinal)
            : [];
        seeds = [.. real.Select(path => ModelProto.Parser.ParseFrom(File.ReadAllBytes(path))), .. Enumerable.Range(0, RandomSeeds).Select(seed => new RandomModel(seed).Make())];
        File.WriteAllBytes(Path.Combine(folder, "weights.bin"), new byte[100]);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Makes malformed model <paramref name="number"/>, then loads, validates, copies and writes it.</summary>
    internal MalformedOutcome Run(int number) => Run(number, null);

    /// <summary>As <see cref="Run(int)"/>, and hands what loads on.</summary>
    internal MalformedOutcome Run(int number, Action<Model>? next)
    {
        Random random = new(number);
        // Every second model is a real one, where there are any.
        ModelProto seed = seeds[random.Next(random.Next(2) == 0 ? Math.Max(1, seeds.Count - RandomSeeds) : seeds.Count)];
        (string name, byte[] bytes) = Mutation.Apply(number, seed, random);
        string path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, bytes);
        Stopwatch clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long? allocated = null;
        ModelFormatException? refusal = null;
        Exception? fault = null;
        try
        {
            Model model = Model.Load(path);
            model.Validate();
            model.Clone().Save(Path.Combine(folder, "written.onnx"));
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            next?.Invoke(model);
        }
        catch (ModelFormatException exception)
        {
            refusal = exception;
        }
#pragma warning disable CA1031 // Any other exception is what this looks for.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            fault = exception;
        }

        return new MalformedOutcome($"{number}, {name}", bytes.Length, allocated ?? GC.GetAllocatedBytesForCurrentThread() - before, clock.Elapsed, refusal, fault);
    }
}
