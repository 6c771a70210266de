namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>
/// Samples that are judged by and were calibrated with, too: accuracy measured on them is not that on new data. A sample is shared when its inputs are the same bytes, or when its look is
/// nearly that of another. Of images and series, which chance makes neither equal nor near, each one counts. Rows of small tables are equal by chance, which is told from sharing by how often
/// rows of the evaluation data are equal among themselves.
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

    /// <summary>Least cosine of their details: the one pair of 5 million of MNIST's training and test images that has one look has 0.947, copies with other brightness and noise have 0.9999.</summary>
    private const double LeastDetail = 0.99;

    /// <summary>Pairs that are compared at most, some 2 seconds of one processor; larger sets are compared in part, evenly.</summary>
    private const long MostPairs = 200_000_000;

    private const int MostExamples = 3;

    /// <summary>What <paramref name="evaluation"/> shares with <paramref name="calibration"/>; null when that is nothing, or no more than chance gives rows of a table.</summary>
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

        bool isTable = evaluation.Looks.Count == 0;
        // The more calibration samples, the more of them are equal by chance.
        double chance = repeated * Math.Max(1, (double)calibration.Contents.Count / evaluation.Contents.Count);
        if (isTable && !IsMoreThanChance(exact.Count, chance))
        {
            return null;
        }

        List<(int Evaluation, int Calibration)> near = FindNear(calibration, evaluation, [.. exact.Select(pair => pair.Evaluation)]);
        return exact.Count + near.Count == 0 ? null : new SharedSamples(
            exact.Count, near.Count, evaluation.Contents.Count,
            exact.Count == evaluation.Contents.Count && known.Count == own.Count, [.. exact.Concat(near).Take(MostExamples)]);
    }

    /// <summary>Three standard deviations of a Poisson count above what chance gave among the evaluation samples; one more than was seen, for so few may be more.</summary>
    private static bool IsMoreThanChance(int shared, double chance) => shared > chance + 3 * Math.Sqrt(chance + 1);

    private static List<(int Evaluation, int Calibration)> FindNear(SampleFingerprints calibration, SampleFingerprints evaluation, HashSet<int> exact)
    {
        int[] places = [.. Enumerable.Range(0, evaluation.Looks.Count).Where(place => !exact.Contains(evaluation.Looking[place]))];
        long pairs = (long)places.Length * calibration.Looks.Count;
        int step = (int)Math.Max(1, (pairs + MostPairs - 1) / MostPairs);
        places = [.. places.Where((_, i) => i % step == 0)];
        int[] twins = new int[places.Length];
        Parallel.For(0, places.Length, i => twins[i] = IndexOfTwin(evaluation.Looks[places[i]], evaluation.Details[places[i]], calibration));
        return [.. places.Select((place, i) => (evaluation.Looking[place], twins[i])).Where(pair => pair.Item2 >= 0).Select(pair => (pair.Item1, calibration.Looking[pair.Item2]))];
    }

    /// <summary>The first look that is nearly the same; −1 for none.</summary>
    private static int IndexOfTwin(float[] look, sbyte[]? detail, SampleFingerprints others)
    {
        for (int place = 0; place < others.Looks.Count; place++)
        {
            if (SampleFingerprints.Likeness(look, others.Looks[place]) >= LeastLikeness && SampleFingerprints.Likeness(detail, others.Details[place]) >= LeastDetail)
            {
                return place;
            }
        }

        return -1;
    }
}
