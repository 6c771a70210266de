using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>Pruning whose refit leaves alone the samples that tell whether the training behind it is worth it.</summary>
/// <param name="pruning">What prunes.</param>
/// <param name="learned">The samples that training learns from.</param>
internal sealed class PruningBeforeTraining(IModelPass pruning, Dataset learned) : IModelPass
{
    public string Name => pruning.Name;

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return pruning.Apply(model, context with { Calibration = learned });
    }
}
