namespace ModelBuildTasks.Optimization.Training;

/// <summary>Sizes of a tensor's axes.</summary>
internal static class Sizes
{
    /// <summary>The number of elements that some axes span together; 1 of none.</summary>
    public static long Product(this IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);
}
