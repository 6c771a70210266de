using ModelBuildTasks.Onnx;
using ModelBuildTasks.Onnx.Tests.Malformed;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>Malformed models by number, those that load through the simplification: no rule may fail, and what is left must be written.</summary>
internal static class MalformedSimplification
{
    internal static MalformedOutcome Run(MalformedModels models, int number) => models.Run(number, Simplify);

    private static void Simplify(Model model)
    {
        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));
        if (outcome.Refusals.FirstOrDefault(reason => reason.Contains("failed at this model", StringComparison.Ordinal)) is { } failed)
        {
            throw new InvalidOperationException(failed);
        }

        model.ToBytes();
    }
}
