using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization;

/// <summary>One technique of optimization. It edits the model in place, or leaves it as it was and says why.</summary>
public interface IModelPass
{
    /// <summary>The technique's name, as reports show it.</summary>
    string Name { get; }

    /// <summary>Applies the technique where it is safe.</summary>
    /// <exception cref="OperationCanceledException">The build was cancelled; the model is then not to be used.</exception>
    PassOutcome Apply(Model model, PassContext context);
}

/// <summary>What a pass did.</summary>
/// <param name="Changed">Whether the model differs from before.</param>
/// <param name="Explanation">One sentence for people: what was done, or why nothing was.</param>
/// <param name="Refusals">Each place where the technique did not apply, with its reason.</param>
public sealed record PassOutcome(bool Changed, string Explanation, IReadOnlyList<string> Refusals)
{
    /// <summary>What was decided for each layer and tensor; null for passes that quantize nothing.</summary>
    public QuantizationPlan? Plan { get; init; }

    /// <summary>SHA-256 of the trained model as it is kept, to be taken again in the place of training; null for passes that train nothing.</summary>
    public string? TrainedWeights { get; init; }

    /// <summary>Of a pass that prunes while it trains: why what it made was not trained, as a sentence. Null where it was.</summary>
    public string? Untrained { get; init; }

    public static PassOutcome Applied(string explanation, IReadOnlyList<string>? refusals = null) => new(true, explanation, refusals ?? []);

    public static PassOutcome Refused(string reason, IReadOnlyList<string>? refusals = null) => new(false, reason, refusals ?? []);
}

/// <summary>Whether a form of a model is accurate enough.</summary>
/// <param name="IsKept">Whether it loses no more than it may.</param>
/// <param name="Finding">What was measured, and what is allowed, as a clause.</param>
public sealed record AccuracyVerdict(bool IsKept, string Finding);

/// <summary>What a pass may draw on.</summary>
/// <param name="Target">The hardware and runtime that the artifact is for.</param>
/// <param name="Calibration">Samples of real input, if the project has them.</param>
/// <param name="Progress">Told the share of the pass that is done, 0 to 1.</param>
/// <param name="CancellationToken">Ends the pass early.</param>
public sealed record PassContext(
    TargetProfile Target,
    Dataset? Calibration = null,
    IProgress<double>? Progress = null,
    CancellationToken CancellationToken = default)
{
    /// <summary>
    /// Tells whether a form of the model keeps the accuracy that the project asks for, by its metric on its evaluation samples. Null where a pass need not ask: it
    /// takes as long as an evaluation, and is given only to passes that cannot do without, or after what a pass made by itself has lost too much.
    /// </summary>
    public Func<Model, AccuracyVerdict>? JudgeAccuracy { get; init; }

    /// <summary>Told how a pass that trains gets on.</summary>
    public IProgress<TrainingProgress>? Training { get; init; }

    /// <summary>Layers, by the names that plans give them, which stay in float because a region with them proved slower in integers when it was measured.</summary>
    public IReadOnlySet<string> SlowerInIntegers { get; init; } = new HashSet<string>();

    /// <summary>What an earlier quantization of the same model chose, to be chosen again without a search; null where it is to be searched for.</summary>
    public PinnedIntegers? Pinned { get; init; }

    /// <summary>Whether accuracy decides what computes in integers, or did when it was pinned.</summary>
    internal bool IsJudged => Pinned?.IsJudged ?? JudgeAccuracy is not null;
}

/// <summary>What a quantization chose.</summary>
/// <param name="FloatNodes">Nodes of the main graph that stay in float though integer kernels fit them, by the name of their first output.</param>
/// <param name="IsJudged">Whether <see cref="PassContext.JudgeAccuracy"/> was asked, so that nothing in branches and loops computes in integers.</param>
public sealed record PinnedIntegers(IReadOnlyList<string> FloatNodes, bool IsJudged);
