using StbImageSharp;
using TEMPLATE_NAMESPACE;

// Digits is generated from Models/digits.onnx: its methods and properties are named after the model's own inputs and outputs.
using var digits = Digits.Load();
Console.WriteLine($"Reading digits with the {digits.Variant} variant");

foreach (var path in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Images"), "*.png").Order())
{
    using var stream = File.OpenRead(path);
    var image = ImageResult.FromStream(stream, ColorComponents.Grey);
    var pixels = Array.ConvertAll(image.Data, value => value / 255f);
    Console.WriteLine($"{Path.GetFileName(path)}: {Largest(digits.Run(pixels).Scores)}");
}

static int Largest(ReadOnlySpan<float> scores)
{
    var best = 0;
    for (var i = 1; i < scores.Length; i++)
    {
        best = scores[i] > scores[best] ? i : best;
    }

    return best;
}
