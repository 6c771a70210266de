namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>
/// Samples that are judged by and were calibrated with, too: accuracy measured on them is not that on new data. A sample is shared when its inputs are the same bytes, or when its look is
/// nearly that of another. Likeness by chance, as of rows of small tables or of digits, is told from sharing by how often samples of the evaluation data are alike among themselves.
/// </summary>
/// <param name="Exact">Evaluation samples whose very inputs are in the calibration data.</param>
/// <param name="Near">Further ones of which a near copy is.</param>
/// <param name="Samples">All evaluation samples.</param>
/// <param name="IsWhole">Whether both sets hold the same samples throughout.</param>
/// <param name="Examples">Indices of shared samples and of their twins, the exact ones first.</param>
public sealed record SharedSamples(int Exact, int Near, int Samples, bool IsWhole, IReadOnlyList<(int Evaluation, int Calibration)> Examples)
{
    /// <summary>
    /// Least cosine of the looks of near copies. Of 4,760 different MNIST, Fashion-MNIST, text line, meter and photograph samples none has a neighbour closer than 0.9971; of copies with 2 % noise,
    /// other brightness and less contrast, 97 of 100 lie above 0.998.
    /// </summary>
    private const float LeastLikeness = 0.998f;

    /// <summary>Pairs that are compared at most, some 2 seconds of one processor; larger sets are compared in part, evenly.</summary>
    private const long MostPairs = 200_000_000;

    private const int MostExamples = 3;

    /// <summary>What <paramref name="evaluation"/> shares with <paramref name="calibration"/>; null when it is no more than chance gives.</summary>
    internal static SharedSamples? Find(SampleFingerprints calibration, SampleFingerprints evaluation)
    {
        Dictionary<ulong, int> known = [];
        for (int i = 0; i < calibration.Contents.Count; i++)
        {
            known.TryAdd(calibration.Contents[i], i);
        }

        HashSet<ulong> own = [];
        List<(int Evaluation, int Calibration)> exact = [];
        int repeated = 0;
        for (int i = 0; i < evaluation.Contents.Count; i++)
        {
            repeated += own.Add(evaluation.Contents[i]) ? 0 : 1;
            if (known.TryGetValue(evaluation.Contents[i], out int twin))
            {
                exact.Add((i, twin));
            }
        }

        HashSet<int> found = [.. exact.Select(pair => pair.Evaluation)];
        (List<(int Evaluation, int Calibration)> near, int alike) = FindNear(calibration, evaluation, found);
        // The more calibration samples, the more of them are equal by chance.
        double chance = repeated * Math.Max(1, (double)calibration.Contents.Count / evaluation.Contents.Count);
        bool isTable = evaluation.Looks.Count == 0;
        bool isExactByChance = !IsMoreThanChance(exact.Count, chance, allowance: isTable ? 1 : 0);
        bool isNearByChance = !IsMoreThanChance(near.Count, alike, allowance: 1);
        if (isExactByChance && isNearByChance)
        {
            return null;
        }

        IEnumerable<(int, int)> examples = [.. isExactByChance ? [] : exact, .. isNearByChance ? [] : near];
        return new SharedSamples(
            isExactByChance ? 0 : exact.Count, isNearByChance ? 0 : near.Count, evaluation.Contents.Count,
            exact.Count == evaluation.Contents.Count && known.Count == own.Count, [.. examples.Take(MostExamples)]);
    }

    /// <summary>Three standard deviations of a Poisson count above what chance gave among the evaluation samples.</summary>
    private static bool IsMoreThanChance(int shared, double chance, int allowance) => shared > 0 && shared > chance + 3 * Math.Sqrt(chance + allowance);

    private static (List<(int Evaluation, int Calibration)> Near, int Alike) FindNear(SampleFingerprints calibration, SampleFingerprints evaluation, HashSet<int> exact)
    {
        int[] places = [.. Enumerable.Range(0, evaluation.Looks.Count).Where(place => !exact.Contains(evaluation.Looking[place]))];
        long pairs = 2L * places.Length * calibration.Looks.Count;
        int step = (int)Math.Max(1, (pairs + MostPairs - 1) / MostPairs);
        places = [.. places.Where((_, i) => i % step == 0)];
        int[] twins = new int[places.Length];
        bool[] isAlike = new bool[places.Length];
        Parallel.For(0, places.Length, i =>
        {
            float[] look = evaluation.Looks[places[i]];
            twins[i] = IndexOfTwin(look, calibration.Looks, 0, calibration.Looks.Count);
            // As many others as there are calibration samples, where the set has them.
            int others = Math.Min(calibration.Looks.Count, evaluation.Looks.Count - 1);
            isAlike[i] = IndexOfTwin(look, evaluation.Looks, places[i] + 1, others) >= 0;
        });
        return (
            [.. places.Select((place, i) => (evaluation.Looking[place], twins[i])).Where(pair => pair.Item2 >= 0).Select(pair => (pair.Item1, calibration.Looking[pair.Item2]))],
            isAlike.Count(alike => alike));
    }

    /// <summary>The first of <paramref name="count"/> looks, from <paramref name="from"/> on and around the end, that is nearly the same; −1 for none.</summary>
    private static int IndexOfTwin(float[] look, IReadOnlyList<float[]> looks, int from, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int place = (from + i) % looks.Count;
            if (SampleFingerprints.Likeness(look, looks[place]) >= LeastLikeness)
            {
                return place;
            }
        }

        return -1;
    }
}
