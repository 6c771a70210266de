using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Photographs parted by what they were cut from: no crop of a picture that judges was learned from.</summary>
internal static class PhotoParts
{
    internal static (Dataset Calibration, Dataset Evaluation) Of(RealCase entry, ModelSession session, IReadOnlyList<string> judging)
    {
        (Dataset some, Dataset others) = entry.Data(session);
        Sample[] learned = [.. Matching(some, others, name => !judging.Any(name.StartsWith))];
        Sample[] judged = [.. Matching(some, others, name => judging.Any(name.StartsWith))];
        return (new Listed(learned), new Listed(judged));
    }

    private static IEnumerable<Sample> Matching(Dataset some, Dataset others, Func<string, bool> isMeant) =>
        from data in (Dataset[])[some, others]
        from pair in data.Read().Select((sample, i) => (Sample: sample, Name: Path.GetFileName(data.NameOf(i))))
        where isMeant(pair.Name)
        select pair.Sample;

    private sealed class Listed(Sample[] samples) : Dataset
    {
        public override string Path => "photographs";

        public override int Count => samples.Length;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() => samples;
    }
}
