namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>How far the numbers of one channel have moved from those that the model was calibrated with.</summary>
/// <param name="Then">The distribution at calibration.</param>
/// <param name="Samples">New samples.</param>
/// <param name="Mean">Mean of the new numbers.</param>
/// <param name="Deviation">Their standard deviation.</param>
/// <param name="Outside">Share of them beyond the extremes at calibration, or not finite.</param>
/// <param name="StabilityIndex">Population stability index Σ (q − p) ln(q / p) over the bins of the calibration data, of which p is the share then and q the share now; 0 for no change.</param>
/// <param name="Expected">The index that so many samples give by chance where nothing has changed.</param>
public sealed record InputDrift(InputDistribution Then, int Samples, double Mean, double Deviation, double Outside, double StabilityIndex, double Expected)
{
    /// <summary>From here on a shift counts as significant, and from 0.1 on as moderate (N. Siddiqi, "Credit Risk Scorecards", 2006, chapter 8).</summary>
    public const double Significant = 0.25;

    /// <summary>Fewer samples tell nothing, now or then.</summary>
    public const int FewestSamples = 30;

    /// <summary>
    /// How many times the expected index still is chance: of 40 random pairs each of 60 and of 200 samples of the MNIST, Fashion-MNIST, text line, photograph, meter, digit and iris data none exceeds
    /// both this and <see cref="Significant"/>.
    /// </summary>
    private const double MostOfChance = 6;

    /// <summary>The index less what chance gives.</summary>
    public double Value => Math.Max(0, StabilityIndex - Expected);

    public bool HasEnoughSamples => Math.Min(Samples, Then.Samples) >= FewestSamples;

    /// <summary>Whether the change is larger than a limit, and no chance.</summary>
    public bool Exceeds(double limit) => HasEnoughSamples && Value > limit && StabilityIndex > MostOfChance * Expected;
}
