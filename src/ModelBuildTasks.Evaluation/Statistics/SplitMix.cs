namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>A small generator that starts anywhere at no cost (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014).</summary>
internal struct SplitMix(ulong seed)
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;
    private ulong state = seed;

    /// <summary>Counts, for each of <paramref name="counts"/>' length of samples, how often as many draws with replacement hit it.</summary>
    internal void Draw(int[] counts)
    {
        Array.Clear(counts);
        ulong length = (ulong)counts.Length;
        for (int i = 0; i < counts.Length; i += 2)
        {
            // Two draws from one number; an index is off by less than length/2^32 from equally likely (D. Lemire, "Fast random integer generation in an interval", 2019).
            ulong bits = Next();
            counts[(int)(((bits >> 32) * length) >> 32)]++;
            if (i + 1 < counts.Length)
            {
                counts[(int)(((bits & uint.MaxValue) * length) >> 32)]++;
            }
        }
    }

    internal ulong Next()
    {
        ulong mixed = state += GoldenGamma;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
