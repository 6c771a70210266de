namespace ModelBuildTasks.Inference.Data;

/// <summary>A data set that shows each of its samples once to an observer, along with whoever reads it first.</summary>
public sealed class ObservedDataset : Dataset
{
    private readonly Dataset whole;
    private readonly Action<int, Sample> observe;
    private readonly bool[] isSeen;
    private readonly Lock turn = new();
    private int seen;

    /// <param name="whole">The data set.</param>
    /// <param name="observe">Gets the index and the sample; one call at a time.</param>
    public ObservedDataset(Dataset whole, Action<int, Sample> observe)
    {
        ArgumentNullException.ThrowIfNull(whole);
        this.whole = whole;
        this.observe = observe;
        isSeen = new bool[whole.Count];
    }

    public override string Path => whole.Path;

    public override int Count => whole.Count;

    public override bool HasLabels => whole.HasLabels;

    public override Scoring Scoring => whole.Scoring;

    public override IReadOnlyList<string> Files => whole.Files;

    protected internal override bool IsAlwaysFinite => whole.IsAlwaysFinite;

    public override string NameOf(int index) => whole.NameOf(index);

    public override IEnumerable<Sample> Read() => whole.Read().Select(Seen);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices) => whole.Read(indices).Select((sample, place) => Seen(sample, indices[place]));

    /// <summary>Reads the samples that nobody has read so far.</summary>
    /// <param name="cancellation">Stops between samples.</param>
    /// <exception cref="DatasetException">A sample is damaged or does not fit.</exception>
    public void ReadRest(CancellationToken cancellation = default)
    {
        if (seen == Count)
        {
            return;
        }

        foreach (Sample _ in Read([.. Enumerable.Range(0, Count).Where(index => !isSeen[index])]))
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private Sample Seen(Sample sample, int index)
    {
        lock (turn)
        {
            if (!isSeen[index])
            {
                isSeen[index] = true;
                seen++;
                observe(index, sample);
            }
        }

        return sample;
    }
}
