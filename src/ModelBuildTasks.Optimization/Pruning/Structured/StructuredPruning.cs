using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Removes whole channels, neurons, heads and hidden units with everything that is coupled to them, so that layers become smaller and faster (Fang et al., "DepGraph", 2023).
/// What goes is chosen by what it saves in time for what the outputs lose. The removal is exact: it gives what the model gives with the weights that read these channels at zero. With samples, what is
/// left is then refitted to the original.
/// </summary>
/// <param name="sparsity">Share of the removable channels that go, 0 to 1; fewer where no step of <see cref="ChannelSelection.Multiple"/> fits. With 0, dead channels alone.</param>
/// <param name="excluded">Layers that keep the channels that they make, and so do all that are coupled to them. What they read may shrink.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class StructuredPruning(double sparsity, ExcludedLayers? excluded = null) : IModelPass
{
    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "structured pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (PrunedForms.Of(model, excluded, context, out PassOutcome outcome) is not { } forms)
        {
            return outcome;
        }

        (Model pruned, outcome) = forms.At(sparsity);
        if (outcome.Changed)
        {
            model.Restore(pruned.TakeSnapshot());
        }

        return outcome;
    }
}
