using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild compare</c>: two models with the same inputs and outputs, on the same samples and in the same run.</summary>
internal static class CompareCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> original = new("original") { Description = "The model to compare with." };
        Argument<FileInfo> optimized = new("optimized") { Description = "The model to judge." };
        Option<string> data = new("--data", "-d") { Description = "Samples, with labels or without (see docs/DATA.md)." };
        Option<MetricKind> metric = new("--metric") { Description = "What accuracy means (see docs/BUDGETS.md)." };
        Command command = new("compare", "Compare two models: size, accuracy and latency.") { original, optimized, data, metric };
        command.SetAction((parsed, cancellation) => ModelCommand.Start(
            () => ModelCommand.Run(parsed.GetRequiredValue(original).FullName, path =>
                Compare(path, parsed.GetRequiredValue(optimized).FullName, parsed.GetValue(data), parsed.GetValue(metric), cancellation)),
            cancellation));
        return command;
    }

    private static int Compare(string originalPath, string optimizedPath, string? data, MetricKind metric, CancellationToken cancellation)
    {
        using SourceModel original = SourceModel.Load(originalPath);
        SourceModel? loaded = null;
        // Its own faults carry its own path.
        int exitCode = ModelCommand.Run(optimizedPath, path =>
        {
            loaded = SourceModel.Load(path);
            return ModelCommand.Succeeded;
        });
        if (loaded is null)
        {
            return exitCode;
        }

        using SourceModel optimized = loaded;
        Dataset? samples = data is null ? null : Dataset.Open(Path.GetFullPath(data), original.Session.Inputs);
        IReadOnlyList<IReadOnlyList<Onnx.Tensor>> inputs = TrialInputs.For(original.Session, samples);
        if (Verification.Check(original.Session, optimized.Session, inputs) is { } difference)
        {
            return ModelCommand.Report([CannotStandIn(difference)]);
        }

        try
        {
            AccuracyResult? accuracy = Print(original, optimized, samples, inputs, metric, cancellation);
            if (accuracy is null)
            {
                return ModelCommand.Succeeded;
            }

            IEnumerable<Diagnostic> findings = FaultDiagnostics.Of(accuracy, originalPath, samples!.Path);
            return ModelCommand.Report(Verification.Check(accuracy) is { } breakage ? findings.Append(CannotStandIn(breakage)) : findings);
        }
        catch (MetricException fault)
        {
            return ModelCommand.Report([FaultDiagnostics.Of(fault, metric, samples!.Path)]);
        }
        catch (OptimizedModelException fault)
        {
            return ModelCommand.Report([CannotStandIn(FaultDiagnostics.Clause(fault.Message))]);
        }
        catch (UndefinedOutputException fault)
        {
            return ModelCommand.Report([FaultDiagnostics.Of(fault, originalPath, samples!.Path)]);
        }

        Diagnostic CannotStandIn(string difference) => EvaluationDiagnostics.CannotStandIn(optimizedPath, originalPath, difference);
    }

    /// <returns>The accuracy, when there are samples to measure it on.</returns>
    private static AccuracyResult? Print(
        SourceModel original, SourceModel optimized, Dataset? samples, IReadOnlyList<IReadOnlyList<Onnx.Tensor>> inputs, MetricKind metric, CancellationToken cancellation)
    {
        Table table = ResultTable.Headings();
        ResultTable.AddSize(table, original.Bytes, optimized.Bytes);
        AccuracyResult? accuracy = null;
        OperatorProfile? profile = null;
        string? unmeasured = ConsoleProgress.Show(Path.GetFileName(optimized.Path), progress =>
        {
            if (samples is not null)
            {
                progress.Report(new PipelineProgress("measuring accuracy", 0));
                accuracy = AccuracyComparison.Run(original.Session, optimized.Session, samples, metric, cancellation: cancellation);
                ResultTable.AddAccuracy(table, accuracy);
            }

            if (inputs.Count == 0)
            {
                return Comparison.RunsOnNothingDrawn;
            }

            progress.Report(new PipelineProgress("measuring latency", 0));
            if (LatencyComparison.Run(original.Session, optimized.Session, inputs[0], ProcessorName.Current, cancellation: cancellation) is not { } latency)
            {
                return Comparison.MachineIsBusy;
            }

            ResultTable.AddLatency(table, latency);
            progress.Report(new PipelineProgress("profiling", 0));
            profile = SlowestOperators.Of(original.RunnablePath, optimized.RunnablePath, inputs[0], new SessionSettings(), cancellation);
            return null;
        });
        AnsiConsole.Write(table);
        if (accuracy is not null)
        {
            ResultTable.PrintAnswers(AccuracyContract.Of(accuracy));
        }

        ProfileTable.Print(profile);
        if (unmeasured is not null)
        {
            ResultTable.PrintUnmeasuredLatency(unmeasured);
        }

        return accuracy;
    }
}
