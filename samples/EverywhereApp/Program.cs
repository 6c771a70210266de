using System.Runtime.InteropServices;
using Everywhere;
using MeterReader;
using Microsoft.ML.OnnxRuntime;

using var digits = Digits.Load();
Console.WriteLine($"{RuntimeInformation.RuntimeIdentifier}: the {digits.Variant} variant of {string.Join(", ", Digits.Variants)}, in ONNX Runtime {OrtEnv.Instance().GetVersionString()}");
Console.WriteLine();

// The name of an image ends in what it shows.
foreach (string path in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Images"), "*.png").Order(StringComparer.Ordinal))
{
    Console.WriteLine($"{Path.GetFileName(path),-30}{Reading.From(digits.Run(MeterImage.Load(path).ToModelInput()).Scores).Digits}");
}
