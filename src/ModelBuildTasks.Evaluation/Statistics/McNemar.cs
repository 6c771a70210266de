using MathNet.Numerics.Distributions;

namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>Samples on which exactly one of two models is right, and how likely a split as uneven is by chance alone.</summary>
/// <param name="Lost">Samples that the original has right and the optimized model wrong.</param>
/// <param name="Won">The other way round.</param>
/// <param name="PValue">Two-sided, 0 to 1: of McNemar's exact test.</param>
public sealed record McNemar(int Lost, int Won, double PValue)
{
    /// <summary>
    /// Were the models equally good, each of the samples on which they differ would be lost or won like a coin falls (Q. McNemar, "Note on the sampling error of the
    /// difference between correlated proportions or percentages", 1947; exact by the binomial distribution).
    /// </summary>
    public static McNemar Test(int lost, int won) => new(lost, won, Math.Min(1, 2 * Binomial.CDF(0.5, lost + won, Math.Min(lost, won))));
}
