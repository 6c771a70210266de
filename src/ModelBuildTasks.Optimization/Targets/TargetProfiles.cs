namespace ModelBuildTasks.Optimization.Targets;

/// <summary>The targets that projects can name. Each is a property in a file of its own under <c>Profiles</c>, with what is known of the hardware and where it stands.</summary>
public static partial class TargetProfiles
{
    /// <summary>All profiles, by name. Made on demand: the order in which the files of a partial class initialize their properties is not defined.</summary>
    public static IReadOnlyList<TargetProfile> All => [Cpu, CpuArm64, CpuX64, Cuda, DirectMl, TensorRt];

    /// <summary>The profile of that name, ignoring case; null when there is none.</summary>
    public static TargetProfile? Find(string name) => All.FirstOrDefault(profile => string.Equals(profile.Name, name, StringComparison.OrdinalIgnoreCase));
}
