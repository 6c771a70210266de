using System.CommandLine;
using System.Text;
using ModelBuildTasks.Worker.Commands;

// Build logs and pipes read UTF-8, whatever the console's code page is.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

RootCommand root = new("Prunes, quantizes and converts ONNX models, and measures what that costs and gains.")
{
    OptimizeCommand.Create(),
    InspectCommand.Create(),
    CompareCommand.Create(),
    BuildCommand.Create(),
};
return root.Parse(args).Invoke();
