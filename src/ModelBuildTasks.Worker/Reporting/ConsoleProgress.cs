using ModelBuildTasks.Worker.Pipeline;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>Shows the pipeline at work: bars on a terminal, one plain line a stage elsewhere (a build log, a pipe).</summary>
internal static class ConsoleProgress
{
    /// <summary>Runs <paramref name="work"/> and shows what it reports.</summary>
    internal static T Show<T>(string title, Func<IProgress<PipelineProgress>, T> work)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
        {
            return work(new Lines(title));
        }

        return AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new SpinnerColumn())
            .Start(context => work(new Bars(title, context)));
    }

    private sealed class Lines(string title) : IProgress<PipelineProgress>
    {
        private string? stage;

        public void Report(PipelineProgress value)
        {
            if (stage != value.Stage)
            {
                stage = value.Stage;
                Console.Out.WriteLine($"{title}: {stage}");
            }

            if (value.Detail is { } detail)
            {
                Console.Out.WriteLine(FormattableString.Invariant($"{title}: {stage}, {100 * value.Share:0} %, {detail}"));
            }
        }
    }

    private sealed class Bars(string title, ProgressContext context) : IProgress<PipelineProgress>
    {
        private readonly Lock gate = new();
        private ProgressTask? current;
        private string? stage;

        public void Report(PipelineProgress value)
        {
            lock (gate)
            {
                if (stage != value.Stage)
                {
                    stage = value.Stage;
                    current?.Value(1);
                    current = context.AddTask(Markup.Escape($"{title}: {stage}"), maxValue: 1);
                }

                current!.Value(value.Share);
                if (value.Detail is { } detail)
                {
                    current!.Description = Markup.Escape($"{title}: {stage}, {detail}");
                }
            }
        }
    }
}
