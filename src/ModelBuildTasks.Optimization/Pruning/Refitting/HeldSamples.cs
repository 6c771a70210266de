using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>
/// Samples that are read and decoded once, for a walk that goes through all of them at every layer: photographs take longer to decode than small models take to run.
/// </summary>
internal sealed class HeldSamples : Dataset
{
    /// <summary>Bytes of inputs that are held; where there are more, samples are read each time.</summary>
    private const long MostBytes = 256 << 20;

    private readonly Dataset stored;
    private readonly List<Sample> samples;

    private HeldSamples(Dataset stored, List<Sample> samples)
    {
        this.stored = stored;
        this.samples = samples;
    }

    public override string Path => stored.Path;

    public override int Count => samples.Count;

    public override bool HasLabels => stored.HasLabels;

    public override IReadOnlyList<string> Files => stored.Files;

    /// <summary>The samples of a data set, held where they take no more than <paramref name="most"/> bytes; else the data set itself.</summary>
    /// <exception cref="DatasetException">A sample is damaged or does not fit.</exception>
    internal static Dataset Of(Dataset stored, long most = MostBytes)
    {
        List<Sample> samples = [];
        long bytes = 0;
        foreach (Sample sample in stored.Read())
        {
            long own = sample.Inputs.Sum(input => (long)input.Data.Length);
            bytes += own;

            // Most samples are alike, so that the first tells what all will come to.
            if (bytes > most || (samples.Count == 0 && own * stored.Count > most))
            {
                return stored;
            }

            samples.Add(sample);
        }

        return new HeldSamples(stored, samples);
    }

    public override IEnumerable<Sample> Read() => samples;
}
