namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>Order statistics.</summary>
internal static class Quantiles
{
    /// <summary>The median; the mean of the middle two for an even count. Reorders <paramref name="values"/>.</summary>
    internal static double Median(Span<double> values)
    {
        values.Sort();
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    /// <summary>The central interval that holds <paramref name="confidence"/> of the values, linear between neighbours. Reorders <paramref name="values"/>.</summary>
    internal static (double Low, double High) Central(Span<double> values, double confidence)
    {
        values.Sort();
        return (At(values, (1 - confidence) / 2), At(values, (1 + confidence) / 2));
    }

    private static double At(ReadOnlySpan<double> sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Length - 1);
        // Equal neighbours may both be infinite, and their difference is not a number.
        return sorted[below] == sorted[above] ? sorted[below] : sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
