using System.CommandLine;
using System.Text;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Reporting;

// Build logs and pipes read UTF-8, whatever the console's code page is.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

RuntimeTelemetry.TurnOff();
PlainOutput.UseWhenRedirected();

RootCommand root = new("Prunes, quantizes and converts ONNX models, and measures what that costs and gains.")
{
    OptimizeCommand.Create(),
    InspectCommand.Create(),
    CompareCommand.Create(),
    EvaluateCommand.Create(),
    MeasureCommand.Create(),
    ReportCommand.Create(),
    PreprocessCommand.Create(),
    CacheCommand.Create(),
    BuildCommand.Create(),
    TryCommand.Create(),
    MemoryCommand.Create(),
};
// A cancelled build ends at the next step; the longest step that cannot be interrupted is a latency measurement.
InvocationConfiguration configuration = new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(10) };
return root.Parse(args).Invoke(configuration);
