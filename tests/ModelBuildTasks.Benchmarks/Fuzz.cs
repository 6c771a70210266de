using System.CommandLine;
using ModelBuildTasks.Onnx.Tests.Malformed;
using ModelBuildTasks.Optimization.Tests.Simplification;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Reads and writes malformed models by the ten thousand. Promise: each loads or is refused, in bounded time and memory; simplified besides, none of those
/// that load makes a rule fail. Or simplifies random graphs. Promise: each computes the same, is valid, no larger, and as simple as it gets.
/// </summary>
internal static class Fuzz
{
    internal static Command Command()
    {
        Option<int> first = new("--first") { Description = "Number of the first model.", DefaultValueFactory = _ => 0 };
        Option<int> count = new("--count") { Description = "How many.", DefaultValueFactory = _ => 20_000 };
        Option<bool> graphs = new("--graphs") { Description = "Random graphs through the simplification instead." };
        Option<bool> simplify = new("--simplify") { Description = "Malformed models that load through the simplification as well." };
        Command command = new("fuzz", "Malformed models: each loads or is refused, in bounded time and memory.") { first, count, graphs, simplify };
        command.SetAction(parsed => parsed.GetValue(graphs)
            ? Simplify(parsed.GetValue(first), parsed.GetValue(count))
            : Run(parsed.GetValue(first), parsed.GetValue(count), parsed.GetValue(simplify)));
        return command;
    }

    private static int Simplify(int first, int count)
    {
        int problems = 0;
        int compared = 0;
        foreach (RandomGraphCheck check in Enumerable.Range(first, count).Select(RandomGraphCheck.Of))
        {
            compared += check.IsCompared ? 1 : 0;
            if (check.Problem is { } problem)
            {
                problems++;
                Console.WriteLine(problem);
            }
        }

        Console.WriteLine($"{count} graphs, {compared} that ONNX Runtime runs, {problems} problems.");
        return problems == 0 ? 0 : 1;
    }

    private static int Run(int first, int count, bool simplify)
    {
        using MalformedModels malformed = new(BenchmarkModels.Data("models", ""));
        int problems = 0;
        List<MalformedOutcome> outcomes = new(count);
        for (int number = first; number < first + count; number++)
        {
            MalformedOutcome outcome = simplify ? MalformedSimplification.Run(malformed, number) : malformed.Run(number);
            outcomes.Add(outcome);
            if (outcome.Problem is { } problem)
            {
                problems++;
                Console.WriteLine(problem);
            }
        }

        Console.WriteLine("| models | loaded | refused | problems | longest, ms | most bytes allocated for one of the file |");
        Console.WriteLine("|---|---|---|---|---|---|");
        Console.WriteLine($"| {count} | {outcomes.Count(o => o.Refusal is null)} | {outcomes.Count(o => o.Refusal is not null)} | {problems} | {outcomes.Max(o => o.Elapsed).TotalMilliseconds:0} | {outcomes.Where(o => o.FileBytes > 4096).Max(o => o.Allocated / o.FileBytes)} |");
        foreach (IGrouping<string, MalformedOutcome> kind in outcomes.GroupBy(outcome => outcome.Mutation[(outcome.Mutation.IndexOf(',', StringComparison.Ordinal) + 2)..]))
        {
            Console.WriteLine($"{kind.Key}: {kind.Count(o => o.Refusal is null)} loaded, {kind.Count(o => o.Refusal is not null)} refused, longest {kind.Max(o => o.Elapsed).TotalMilliseconds:0} ms, most {kind.Max(o => o.Allocated) >> 10} KiB");
        }

        return problems == 0 ? 0 : 1;
    }
}
