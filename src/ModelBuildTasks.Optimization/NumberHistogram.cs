namespace ModelBuildTasks.Optimization;

/// <summary>How often numbers of each size come, in bins of one width.</summary>
/// <param name="Lowest">The lower edge of the first bin.</param>
/// <param name="Width">The width of a bin, positive.</param>
/// <param name="Counts">The count of each bin; the first and the last are not 0.</param>
public sealed record NumberHistogram(double Lowest, double Width, IReadOnlyList<long> Counts);

/// <summary>The weights of a layer in integers, in float: one scale for each output channel.</summary>
/// <param name="Numbers">All of them.</param>
/// <param name="NarrowestChannel">The largest magnitude in the channel where it is smallest, to which its codes reach.</param>
/// <param name="WidestChannel">The largest magnitude of all.</param>
public sealed record WeightDistribution(NumberHistogram Numbers, double NarrowestChannel, double WidestChannel);
