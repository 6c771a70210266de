namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Gathers what one tensor's values are over the calibration samples, and says which range its integers should cover.</summary>
internal interface IRangeObserver
{
    /// <summary>Takes in the tensor of one sample, or one row of a batch. May be called from several threads at once; the order of samples must not matter.</summary>
    void Observe(ReadOnlySpan<float> values);

    /// <summary>What lies between the smallest and the largest value so far, NaN where there was one; that of zero when nothing was observed.</summary>
    ValueRange Seen { get; }

    /// <summary>The range to cover, inside <see cref="Seen"/>; that of zero when nothing was observed.</summary>
    ValueRange Range { get; }

    /// <summary>The numbers seen; null where the range is found without counting them.</summary>
    Histogram? Numbers => null;
}
