namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>Files under obj that only a worker or a task that is at work may have there.</summary>
internal static class Leftovers
{
    public static string[] In(App app) =>
        [.. Directory.GetFiles(app.At("obj"), "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".staged" or ".tmp")];
}
