using System.CommandLine;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// What the package adds to a build that has nothing to do, to one that takes everything from the cache, and to one that an IDE makes:
/// the same project with and without it, by turns. Promises: 60 ms, 300 ms and 100 ms.
/// </summary>
internal static class BuildTime
{
    private const int Pairs = 20;

    /// <summary>Of builds that begin with a restore, which take seconds.</summary>
    private const int PairsFromNothing = 10;
    private const string Version = "0.0.1-benchmark";

    private static readonly string[] Build = ["build", "--no-restore"];

    // As Visual Studio makes them.
    private static readonly string[] DesignTime =
    [
        "msbuild", "-t:PrepareResourceNames;Compile", "-p:DesignTimeBuild=true", "-p:BuildingProject=false", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true",
    ];

    internal static Command Command()
    {
        Command command = new("builds", $"Builds of a project with three models of 5 MB, with the package and without, by turns.");
        command.SetAction(_ =>
        {
            DirectoryInfo folder = Directory.CreateTempSubdirectory("modelbuild-benchmark-");
            try
            {
                Measure(folder.FullName);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static void Measure(string folder)
    {
        string feed = Path.Combine(folder, "feed");
        BuildProject repository = new(Path.Combine(folder, "without"), feed, "");
        repository.Run("pack", Path.Combine(Repository.Root, "src", "ModelBuildTasks"), "-c", "Release", "-o", feed, $"-p:PackageVersion={Version}");
        const string reference = $"<PackageReference Include=\"ModelBuildTasks\" Version=\"{Version}\" PrivateAssets=\"all\" />";
        BuildProject without = repository;
        BuildProject byHand = new(Path.Combine(folder, "by-hand"), feed, "<EmbeddedResource Include=\"Models/*.onnx\" LogicalName=\"models/%(Filename).cpu.onnx\" />");
        BuildProject with = new(Path.Combine(folder, "with"), feed, $"{reference}<OptimizedModel Include=\"Models/*.onnx\" Precision=\"Float32\" EvaluationData=\"samples.jsonl\" />");
        with.Run("build");
        byHand.Add(with.Accessors());
        without.Run("build");
        byHand.Run("build");

        Console.WriteLine("| build | pairs | without, s | with, s | median difference, ms [middle half] |");
        Console.WriteLine("|---|---|---|---|---|");
        Print("nothing to do", without, with, Pairs, project => project.Run(Build));
        Print("everything from the cache, against the same models and classes by hand", byHand, with, Pairs, project => Forgotten(project, Build));
        Print("everything from the cache, against no models at all", without, with, Pairs, project => Forgotten(project, Build));
        Print("design time, nothing generated yet", without, with, PairsFromNothing, project => Forgotten(project, DesignTime));
        Print("design time, again", without, with, Pairs, project => project.Run(DesignTime));
    }

    private static double Forgotten(BuildProject project, string[] arguments)
    {
        project.Forget();
        return project.Run(arguments);
    }

    private static void Print(string build, BuildProject without, BuildProject with, int pairs, Func<BuildProject, double> seconds)
    {
        double[] before = new double[pairs];
        double[] after = new double[pairs];
        for (int pair = -1; pair < pairs; pair++)
        {
            // The first pair warms up; the order changes, so that neither is always the first.
            bool isEven = pair % 2 == 0;
            double first = seconds(isEven ? without : with);
            double second = seconds(isEven ? with : without);
            if (pair >= 0)
            {
                (before[pair], after[pair]) = isEven ? (first, second) : (second, first);
            }
        }

        double[] differences = [.. after.Zip(before, (a, b) => 1000 * (a - b)).Order()];
        Console.WriteLine(FormattableString.Invariant(
            $"| {build} | {pairs} | {Median(before):0.00} | {Median(after):0.00} | {Median(differences):0} [{differences[pairs / 4]:0}, {differences[pairs * 3 / 4]:0}] |"));
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
