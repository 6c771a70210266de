using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>
/// Which entries of a lock file belong to the project. One build makes some of the targets only: one for each runtime identifier, where an
/// item names none.
/// </summary>
/// <param name="models">The project's models, each with the targets that its item names; none where the runtime identifier decides.</param>
/// <param name="isWholeProject">Whether this build sees all models: with several target frameworks, each has its own.</param>
public sealed class LockScope(IReadOnlyDictionary<string, IReadOnlyList<string>> models, bool isWholeProject)
{
    private static readonly string[] s_targetsByRuntime = [TargetNames.Cpu, TargetNames.CpuX64, TargetNames.CpuArm64];

    /// <summary>Whether no build of the project can make this any more.</summary>
    public bool IsGone(string model, string target) =>
        isWholeProject && !(models.TryGetValue(model, out var targets) && (targets.Count > 0 ? targets : s_targetsByRuntime).Contains(target));
}
