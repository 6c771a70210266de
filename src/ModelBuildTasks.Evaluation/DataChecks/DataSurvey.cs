using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>What is learned of a data set while others read it: which samples it holds, what their labels are, and how its numbers are distributed.</summary>
public sealed class DataSurvey
{
    private readonly ObservedDataset observed;
    private readonly SampleFingerprints fingerprints;
    private readonly LabelTally labels = new();
    private readonly InputSketches sketches;

    /// <param name="data">The data set.</param>
    /// <param name="inputs">The inputs that its samples are made for, where their distribution is wanted; else empty.</param>
    public DataSurvey(Dataset data, IReadOnlyList<TensorSignature> inputs)
    {
        ArgumentNullException.ThrowIfNull(data);
        fingerprints = new SampleFingerprints(data.Count);
        sketches = new InputSketches(inputs);
        observed = new ObservedDataset(data, Add);
    }

    /// <summary>The data set, to be read instead of the one that was given.</summary>
    public Dataset Data => observed;

    /// <summary>The distribution of each channel of the inputs that were given.</summary>
    public IReadOnlyList<InputDistribution> Distributions => sketches.Describe();

    /// <inheritdoc cref="ObservedDataset.ReadRest"/>
    public void ReadRest(CancellationToken cancellation = default) => observed.ReadRest(cancellation);

    /// <summary>What this data set, by which accuracy is judged, shares with the calibration data; null when it is no more than chance gives.</summary>
    public SharedSamples? SharedWith(DataSurvey calibration)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        return SharedSamples.Find(calibration.fingerprints, fingerprints);
    }

    /// <inheritdoc cref="LabelTally.Problems"/>
    public IEnumerable<string> LabelProblems(long? classesOfModel, bool countsAnswers) => labels.Problems(classesOfModel, countsAnswers, observed.NameOf);

    private void Add(int index, Sample sample)
    {
        SampleFingerprint fingerprint = SampleFingerprint.Of(sample);
        fingerprints.Add(index, fingerprint);
        labels.Add(index, sample, fingerprint);
        sketches.Add(sample);
    }
}
