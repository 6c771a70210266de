namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>A sum kept in fixed point: adding integers gives the same total in whatever order threads bring the numbers.</summary>
internal struct OrderFreeSum
{
    /// <summary>A number is kept to 2^-64, and the sum up to 2^63.</summary>
    private const double Unit = 1.0 / (1UL << 63) / 2;

    /// <summary>Larger numbers would overflow the sum.</summary>
    private const double Largest = 1e12;

    private Int128 sum;
    private bool overflowed;

    /// <summary>The sum; NaN when one of the numbers was too large, or none.</summary>
    internal readonly double Total => overflowed ? double.NaN : (double)sum * Unit;

    internal void Add(double number)
    {
        if (Math.Abs(number) < Largest)
        {
            sum += (Int128)(number / Unit);
        }
        else
        {
            overflowed = true;
        }
    }
}
