namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>A measured value and its confidence interval, <see cref="Low"/> ≤ <see cref="High"/>.</summary>
public readonly record struct Estimate(double Value, double Low, double High)
{
    /// <summary>Half the interval's width.</summary>
    public double Uncertainty => (High - Low) / 2;

    /// <summary>A value that is known exactly.</summary>
    public static Estimate Exact(double value) => new(value, value, value);

    public override string ToString() => FormattableString.Invariant($"{Value:g4} [{Low:g4}, {High:g4}]");
}
