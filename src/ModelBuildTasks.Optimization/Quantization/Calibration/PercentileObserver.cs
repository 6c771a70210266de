namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Covers all but a share of the numbers at either end.</summary>
/// <param name="share">The share that may be cut off at each end, 0 to 1.</param>
internal sealed class PercentileObserver(double share = PercentileObserver.UsualShare) : HistogramObserver
{
    /// <summary>99.99 % is among the percentiles that Wu et al., "Integer Quantization for Deep Learning Inference" (2020), table 4, find best.</summary>
    internal const double UsualShare = 1e-4;

    protected override ValueRange Search(Histogram histogram, ValueRange seen)
    {
        double most = share * histogram.Count;
        int first = -Histogram.BinsOfSide;
        for (long below = histogram[first]; below <= most; below += histogram[first])
        {
            first++;
        }

        int last = Histogram.BinsOfSide - 1;
        for (long above = histogram[last]; above <= most; above += histogram[last])
        {
            last--;
        }

        return new ValueRange(Math.Max(seen.Lowest, (float)(first * histogram.Width)), Math.Min(seen.Highest, (float)((last + 1) * histogram.Width)));
    }
}
