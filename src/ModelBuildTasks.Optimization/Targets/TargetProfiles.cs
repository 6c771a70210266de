using System.Reflection;

namespace ModelBuildTasks.Optimization.Targets;

/// <summary>The targets that projects can name. Each is a property in a file of its own under <c>Profiles</c>, with what is known of the hardware and where it stands.</summary>
public static partial class TargetProfiles
{
    // On demand: the order in which the files of a partial class initialize their properties is not defined.
    private static readonly Lazy<IReadOnlyList<TargetProfile>> Collected = new(() =>
    [
        .. typeof(TargetProfiles).GetProperties(BindingFlags.Public | BindingFlags.Static).Where(property => property.PropertyType == typeof(TargetProfile))
            .Select(property => (TargetProfile)property.GetValue(null)!).OrderBy(profile => profile.Name, StringComparer.Ordinal),
    ]);

    /// <summary>All profiles, by name.</summary>
    public static IReadOnlyList<TargetProfile> All => Collected.Value;

    /// <summary>The profile of that name, ignoring case; null when there is none.</summary>
    public static TargetProfile? Find(string name) => All.FirstOrDefault(profile => string.Equals(profile.Name, name, StringComparison.OrdinalIgnoreCase));
}
