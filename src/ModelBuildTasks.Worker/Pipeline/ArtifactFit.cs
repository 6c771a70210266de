using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Conversion.Releases;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The last changes to whatever ships, the source model too: what callers give and take, and what the ONNX Runtime of the app reads.</summary>
internal sealed class ArtifactFit(OptimizationRequest request, TargetProfile target)
{
    /// <summary>Makes the model one of the inputs and outputs that are asked for, that the ONNX Runtime of the app reads, and of the operator set that the target computes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="done">Is told each step.</param>
    /// <returns>Why that can't be, as a clause; null when it is one.</returns>
    internal string? Apply(Model model, AppliedSteps done)
    {
        if (request.Settings.IoPrecision == IoPrecision.Float16)
        {
            done.Apply(new Float16Signature(), model);
        }

        string? refusal = ToRuntime(model, done);
        if (refusal is null && target.KeepsEnginesByName)
        {
            EngineKey.Write(model);
        }

        return refusal;
    }

    private string? ToRuntime(Model model, AppliedSteps done)
    {
        if (target.NewestOpset is { } newest && model.Opset > newest)
        {
            long opset = model.Opset;
            string? reason = OpsetLowering.Apply(model, newest);
            done.Steps.Add(new Step(
                $"operator set for {target}", Applied: reason is null, reason is null ? $"It declares operator set {newest} instead of {opset}." : $"The execution provider computes operator sets up to {newest}, and {reason}.") { IsLossless = true });
        }

        if (request.Runtime is not { } runtime)
        {
            return null;
        }

        if (RuntimeRelease.Find(runtime.Version) is not { } release)
        {
            return RuntimeRelease.IsBeforeOldest(runtime.Version) ? $"artifacts are made for ONNX Runtime {RuntimeRelease.Oldest} and later, and the project references {runtime.Version}" : null;
        }

        if (request.Settings.Format == ArtifactFormat.Ort && release.Version < RuntimeRelease.OldestForOrtFormat)
        {
            return $"ORT format needs ONNX Runtime {RuntimeRelease.OldestForOrtFormat}, and the project references {release}";
        }

        (IReadOnlyList<string> changes, string? refusal) = ReleaseFit.Apply(model, release);
        if (refusal is null && changes.Count > 0)
        {
            done.Steps.Add(new Step($"fit to ONNX Runtime {release}", Applied: true, string.Join(' ', changes)) { IsLossless = true });
        }

        return refusal;
    }
}
