using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Drawn inputs as samples without labels.</summary>
internal sealed class TrialDataset(IReadOnlyList<IReadOnlyList<Tensor>> inputs) : Dataset
{
    public override string Path => "drawn inputs";

    public override int Count => inputs.Count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => inputs.Select(input => new Sample(input, null));
}
