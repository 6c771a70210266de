namespace ModelBuildTasks.Inference.Data;

/// <summary>Chooses samples by index, ascending, so that streams are read forward only.</summary>
internal static class SampleSelection
{
    /// <summary><paramref name="count"/> of <paramref name="total"/> indices, each set equally likely (Knuth's selection sampling, TAOCP 3.4.2 S).</summary>
    internal static int[] Draw(int total, int count, int seed)
    {
        Random random = new(seed);
        int[] chosen = new int[Math.Clamp(count, 0, total)];
        for (int i = 0, found = 0; found < chosen.Length; i++)
        {
            if ((total - i) * random.NextDouble() < chosen.Length - found)
            {
                chosen[found++] = i;
            }
        }

        return chosen;
    }

    /// <summary>
    /// The indices whose place in a seeded order falls into [from, to). Two descriptions with adjoining ranges part a set without overlap.
    /// </summary>
    internal static int[] Part(int total, double from, double to, int seed)
    {
        int[] order = [.. Enumerable.Range(0, total)];
        new Random(seed).Shuffle(order);
        int[] part = order[(int)Math.Round(from * total)..(int)Math.Round(to * total)];
        Array.Sort(part);
        return part;
    }
}

/// <summary>Some of a data set's samples.</summary>
internal sealed class DatasetSubset(Dataset whole, IReadOnlyList<int> indices) : Dataset
{
    public override string Path => whole.Path;

    public override int Count => indices.Count;

    protected internal override bool IsAlwaysFinite => whole.IsAlwaysFinite;

    public override bool HasLabels => whole.HasLabels;

    public override Scoring Scoring => whole.Scoring;

    public override IReadOnlyList<string> Files => whole.Files;

    public override string NameOf(int index) => whole.NameOf(indices[index]);

    public override IEnumerable<Sample> Read() => whole.Read(indices);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> chosen) => whole.Read([.. chosen.Select(index => indices[index])]);
}
