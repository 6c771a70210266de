using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>A console app with a little code of its own, a reference to ONNX Runtime and three models of 5 MB, in a folder of its own.</summary>
internal sealed class BuildProject
{
    private const int Features = 64;
    private const int Hidden = 1150;
    private const int Classes = 4;
    private const int Samples = 100;

    private static readonly string[] Names = ["first", "second", "third"];

    // Code enough that the compiler does what it does in any app.
    private const string Program = """
        using System.Globalization;
        using Microsoft.ML.OnnxRuntime;

        Dictionary<string, Reading> readings = new(StringComparer.Ordinal);
        foreach (string line in args.Length > 0 ? File.ReadLines(args[0]) : [])
        {
            if (Reading.Parse(line) is { } reading)
            {
                readings[reading.Name] = reading;
            }
        }

        foreach (Reading reading in readings.Values.Where(reading => reading.Value > 0).OrderBy(reading => reading.Name))
        {
            using OrtValue value = OrtValue.CreateTensorValueFromMemory([(float)reading.Value], [1L]);
            Console.WriteLine($"{reading.Name}: {reading.Value:0.00} {value.GetTensorTypeAndShape().ElementDataType}");
        }

        return readings.Count > 0 ? 0 : 1;

        internal sealed record Reading(string Name, double Value)
        {
            public static Reading? Parse(string line)
            {
                string[] parts = line.Split(',', 2, StringSplitOptions.TrimEntries);
                return parts.Length == 2 && double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? new(parts[0], value) : null;
            }
        }
        """;

    private readonly string folder;

    /// <param name="folder">Is made.</param>
    /// <param name="feed">The folder that has the package.</param>
    /// <param name="items">What becomes of the models.</param>
    internal BuildProject(string folder, string feed, string items)
    {
        this.folder = folder;
        Directory.CreateDirectory(Path.Combine(folder, "Models"));
        foreach (string name in Names)
        {
            Network(seed: name.Length).Save(Path.Combine(folder, "Models", $"{name}.onnx"));
        }

        File.WriteAllLines(Path.Combine(folder, "samples.jsonl"), Enumerable.Range(0, Samples).Select(sample =>
            $"{{\"x\": [{string.Join(", ", Enumerable.Range(0, Features).Select(i => Math.Sin(sample + i).ToString("0.###", CultureInfo.InvariantCulture)))}], \"label\": {sample % Classes}}}"));
        File.WriteAllText(Path.Combine(folder, "Program.cs"), Program);
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration><config><add key="globalPackagesFolder" value="{Path.Combine(feed, "restored")}" /></config><packageSources><clear /><add key="ours" value="{feed}" /><add key="nuget.org" value="https://api.nuget.org/v3/index.json" /></packageSources></configuration>
            """);
        File.WriteAllText(Path.Combine(folder, "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <ModelCacheDirectory>{Path.Combine(feed, "cache")}</ModelCacheDirectory>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" />
                {items}
              </ItemGroup>
            </Project>
            """);
    }

    /// <summary>Seconds that a dotnet command takes.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message is what it printed.</exception>
    internal double Run(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [.. arguments, "-v", "q", "-tl:off"]) { WorkingDirectory = folder, RedirectStandardOutput = true };
        start.Environment["DOTNET_NOLOGO"] = "1";
        // A node or a compiler that stays would make the next run another one.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(begin).TotalSeconds : throw new InvalidOperationException(output);
    }

    /// <summary>Deletes everything that was built, and restores.</summary>
    internal void Forget()
    {
        foreach (string made in new[] { "obj", "bin" }.Select(name => Path.Combine(folder, name)).Where(Directory.Exists))
        {
            Directory.Delete(made, recursive: true);
        }

        Run("restore");
    }

    /// <summary>The sources of the accessors that a build of this project generated.</summary>
    internal IEnumerable<string> Accessors() => Directory.EnumerateFiles(Path.Combine(folder, "obj"), "*.g.cs", SearchOption.AllDirectories).Where(file => file.Contains("modelbuild", StringComparison.Ordinal));

    /// <summary>Adds source files to the project.</summary>
    internal void Add(IEnumerable<string> sources)
    {
        foreach (string source in sources)
        {
            File.Copy(source, Path.Combine(folder, Path.GetFileName(source)));
        }
    }

    private static Model Network(int seed)
    {
        Random random = new(seed);
        Model model = Model.Create("network", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        graph.AddInput("x", new TensorType(ElementType.Float, [new Dimension(null, "N"), new Dimension(Features, null)]));
        Value first = graph.Add("Relu", graph.Add("MatMul", graph.Inputs[0], Weight(Features, Hidden)));
        Value second = graph.Add("Relu", graph.Add("MatMul", first, Weight(Hidden, Hidden)));
        Value scores = graph.Add("MatMul", second, Weight(Hidden, Classes));
        scores.Name = "scores";
        scores.Type = new TensorType(ElementType.Float, [new Dimension(null, "N"), new Dimension(Classes, null)]);
        graph.AddOutput(scores);
        return model;

        Value Weight(long rows, long columns)
        {
            float[] values = [.. Enumerable.Range(0, (int)(rows * columns)).Select(_ => (random.NextSingle() - 0.5f) / MathF.Sqrt(rows))];
            return graph.AddInitializer("weight", Tensor.Create([rows, columns], values));
        }
    }
}
