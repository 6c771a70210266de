using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Targets;

/// <summary>What the kernels of one kind of hardware want. A profile is data: what is made for a new target is a new file under <c>Profiles</c>, and an entry of
/// <see cref="TargetProfiles.All"/>. The build knows its name, where it runs and which is preferred from <c>TargetNames</c>; the accessor's <c>Devices</c> have its execution provider.</summary>
public sealed record TargetProfile
{
    /// <summary>The name that projects write in <c>Targets</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The processor that can run it; null for any.</summary>
    public Architecture? Architecture { get; init; }

    /// <summary>The ONNX Runtime execution provider that it is for.</summary>
    public required string ExecutionProvider { get; init; }

    /// <summary>Integer type of activations in static quantization; null where integer kernels do not pay.</summary>
    public ElementType? Activations { get; init; }

    /// <summary>Whether activations have the zero point 0.</summary>
    public bool SymmetricActivations { get; init; }

    /// <summary>Bits of a quantized weight: 8, or 7 where 8-bit products may saturate.</summary>
    public int WeightBits { get; init; } = 8;

    /// <summary>
    /// Bits of a quantized weight where ONNX Runtime can't make products exact. Asked for that (session.x64quantprecision), it makes 8-bit weights unsigned on x64 processors without VNNI
    /// when it optimizes the graph, which it does not do to ORT files, and refuses to load a model of which two products read the same ones (1.31).
    /// </summary>
    public int UnsaturatedWeightBits => Architecture is null or System.Runtime.InteropServices.Architecture.X64 && ExecutionProvider == CpuProvider ? Math.Min(WeightBits, 7) : WeightBits;

    /// <summary>Whether the runtime makes one integer operator of a float operator between DequantizeLinear and QuantizeLinear. Else these stand in front of layers only, and the hardware's compiler moves them.</summary>
    public bool FusesQuantizedOperators { get; init; }

    /// <summary>The fewest inputs and outputs with which a matrix product gains from integers.</summary>
    public int SmallestIntegerProduct { get; init; } = 1;

    /// <summary>Bits of packed weights (MatMulNBits) for which there are kernels.</summary>
    public IReadOnlyList<int> PackedWeightBits { get; init; } = [];

    /// <summary>Whether float16 is computed natively.</summary>
    public bool ComputesFloat16 { get; init; }

    /// <summary>The newest standard operator set that the execution provider computes; null where it keeps up with ONNX Runtime.</summary>
    public long? NewestOpset { get; init; }

    /// <summary>Whether ONNX Runtime's own operators (com.microsoft) run there rather than beside it.</summary>
    public bool RunsContributedOperators { get; init; } = true;

    /// <summary>Whether the execution provider knows what it compiled again by names alone (<see cref="Conversion.EngineKey"/>).</summary>
    public bool KeepsEnginesByName { get; init; }

    /// <summary>Whether this process can run the target's artifacts.</summary>
    public bool RunsHere => ExecutionProvider == CpuProvider && (Architecture is null || Architecture == RuntimeInformation.ProcessArchitecture);

    /// <summary>The domain of ONNX Runtime's own operators.</summary>
    internal const string ContributedDomain = "com.microsoft";

    internal const string CpuProvider = "CPUExecutionProvider";

    public override string ToString() => Name;
}
