using MeterReader;

// Other photographs can be named on the command line; an expected reading may stand behind the last dash of the name.
string[] images = args.Length > 0 ? args : Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Images"), "*.png");
Array.Sort(images, StringComparer.Ordinal);

using var digits = Digits.Load();
Console.WriteLine($"Reading {images.Length} photographs with the {digits.Variant} variant");
Console.WriteLine();
Console.WriteLine($"{"image",-30}{"reading",-9}{"expected",-10}{"least certain digit",19}");
foreach (string path in images)
{
    Reading reading = Reading.From(digits.Run(MeterImage.Load(path).ToModelInput()).Scores);
    string name = Path.GetFileNameWithoutExtension(path);
    string expected = name[(name.LastIndexOf('-') + 1)..] is var tail && tail.All(char.IsAsciiDigit) ? tail : "?";
    string verdict = expected == "?" || expected == reading.Digits ? "" : "  wrong";
    Console.WriteLine($"{Path.GetFileName(path),-30}{reading.Digits,-9}{expected,-10}{reading.Confidence,19:P1}{verdict}");
}

Console.WriteLine();
if (BuildFigures.Load() is { } figures)
{
    figures.Print(Console.Out);
}
else
{
    Console.WriteLine("The model was built without optimizing it, so there is nothing to compare.");
}
