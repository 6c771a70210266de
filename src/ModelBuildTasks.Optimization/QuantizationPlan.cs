namespace ModelBuildTasks.Optimization;

/// <summary>Every decision of a quantization.</summary>
/// <param name="SignalToNoise">Of the outputs against the float model's on a few calibration samples, in decibels; null where they were not compared.</param>
/// <param name="Outputs">The same of each output, or of each part that means one kind of thing.</param>
/// <param name="Layers">What multiplies by weights, in topological order.</param>
/// <param name="Tensors">What is stored as integers between them.</param>
public sealed record QuantizationPlan(
    double? SignalToNoise, IReadOnlyList<PlannedOutput> Outputs, IReadOnlyList<PlannedLayer> Layers, IReadOnlyList<PlannedTensor> Tensors)
{
    /// <summary>As many as a sentence bears.</summary>
    private const int MostReasons = 3;

    /// <summary>The parts of the graph that are connected by integers.</summary>
    public IReadOnlyList<PlannedRegion> Regions { get; init; } = [];

    /// <summary>
    /// Nodes of the main graph that stay in float though integer kernels fit them, by the name of their first output: what <see cref="PassContext.Pinned"/> takes to choose the same again. Null for passes that choose no nodes.
    /// </summary>
    public IReadOnlyList<string>? FloatNodes { get; init; }

    /// <summary>
    /// What returns to float next when the whole proved slower than in float: of the regions, the half that by prediction gain least. Never all of them, which
    /// would be no quantization.
    /// </summary>
    /// <returns>Names of layers; empty when one region is left.</returns>
    public IReadOnlyList<string> LeastGaining() => [.. Regions.OrderBy(region => region.Gain).Take(Regions.Count / 2).SelectMany(region => region.Layers)];

    /// <summary>Why layers stay in float, as clauses with the number of layers, the most frequent first.</summary>
    internal string ReasonsForFloat
    {
        get
        {
            KeyValuePair<string, int>[] reasons = [.. Layers.Where(layer => !layer.IsInteger).Select(layer => layer.Reason).OfType<string>().CountBy(reason => reason).OrderByDescending(entry => entry.Value)];
            string rest = reasons.Length > MostReasons ? FormattableString.Invariant($"; and {reasons.Length - MostReasons} more reasons") : "";
            return string.Join("; ", reasons.Take(MostReasons).Select(entry => FormattableString.Invariant($"{entry.Key} ({entry.Value})"))) + rest;
        }
    }

    /// <summary>This plan after a further pass, whose word on a layer is the last. What was measured of the outputs is no longer theirs.</summary>
    public QuantizationPlan CompletedBy(QuantizationPlan later)
    {
        ArgumentNullException.ThrowIfNull(later);
        List<PlannedLayer> changed = [.. later.Layers];
        return new QuantizationPlan(later.SignalToNoise, later.Outputs, [.. Layers.Select(LastWord).ToArray(), .. changed], [.. Tensors, .. later.Tensors])
        {
            Regions = [.. Regions, .. later.Regions],
            FloatNodes = later.FloatNodes ?? FloatNodes,
        };

        // Nodes of different branches may have one name; they come in the same order.
        PlannedLayer LastWord(PlannedLayer layer)
        {
            int index = changed.FindIndex(other => other.Name == layer.Name);
            if (index < 0)
            {
                return layer;
            }

            PlannedLayer last = changed[index];
            changed.RemoveAt(index);
            return last;
        }
    }
}

/// <summary>Layers between which there are only integers.</summary>
/// <param name="Layers">Their names.</param>
/// <param name="Gain">Nanoseconds that their integers save on one core by prediction.</param>
public sealed record PlannedRegion(IReadOnlyList<string> Layers, double Gain);

/// <summary>An output or a part of one.</summary>
/// <param name="Name">The output's name, with the range of channels where it has several parts.</param>
/// <param name="SignalToNoise">In decibels.</param>
public sealed record PlannedOutput(string Name, double SignalToNoise);

/// <summary>A layer, in integers or in float.</summary>
/// <param name="Name">The node, with its operator.</param>
/// <param name="IsInteger">Whether it computes in integers.</param>
/// <param name="Reason">Why it stays in float, as a clause; null for a layer in integers.</param>
public sealed record PlannedLayer(string Name, bool IsInteger, string? Reason)
{
    /// <summary>Bits of a stored weight; null for weights in float.</summary>
    public int? WeightBits { get; init; }

    /// <summary>Of a layer in float, as a sentence.</summary>
    internal string Explanation => $"{Name} stays in float: {Reason}.";

    /// <summary>Of its result against the float model's on a few calibration samples, in decibels; null where it was not measured.</summary>
    public double? SignalToNoise { get; init; }

    /// <summary>Decibels of the outputs' signal to noise that float in this layer alone would bring back; null where that was not tried.</summary>
    public double? Sensitivity { get; init; }

    /// <summary>Null for a layer in float, and for those beyond the number that is kept.</summary>
    public WeightDistribution? Weights { get; init; }
}

/// <summary>A tensor that is stored as integers: x ≈ (q − <paramref name="ZeroPoint"/>)·<paramref name="Scale"/>.</summary>
/// <param name="Name">The tensor's name in the float model.</param>
/// <param name="Lowest">The lowest number that has a code.</param>
/// <param name="Highest">The highest.</param>
/// <param name="Scale">The step between codes, positive.</param>
/// <param name="ZeroPoint">The code of zero.</param>
/// <param name="Method">How the range was found.</param>
/// <param name="Noise">What its numbers lose by becoming codes; null where it was not measured.</param>
public sealed record PlannedTensor(string Name, float Lowest, float Highest, float Scale, int ZeroPoint, string Method, RoundingNoise? Noise)
{
    /// <summary>What calibration saw; null where the method keeps no histogram, and beyond the number that is kept.</summary>
    public NumberHistogram? Distribution { get; init; }
}

/// <summary>What numbers lose by becoming codes, on a few calibration samples.</summary>
/// <param name="Error">The root of the mean squared error.</param>
/// <param name="Decibels">The numbers' power over that of the error.</param>
public sealed record RoundingNoise(double Error, double Decibels);
