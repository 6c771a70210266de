using System.CommandLine;
using MeterReader.Training.Drawing;
using MeterReader.Training.Learning;
using ModelBuildTasks.Onnx;

Option<string> sample = new("--sample") { Description = "Folder of the MeterReader sample.", DefaultValueFactory = _ => Path.Combine("samples", "MeterReader") };
Option<ulong> seed = new("--seed") { Description = "Decides the first weights and the training images.", DefaultValueFactory = _ => 1 };
Option<int> steps = new("--steps") { Description = "Batches of 64 images to learn from.", DefaultValueFactory = _ => 8000 };
Option<string> sheet = new("--output") { Description = "The PNG file to write.", DefaultValueFactory = _ => "digits.png" };

Option<int> images = new("--images") { Description = "How many.", DefaultValueFactory = _ => 300 };

Command draw = new("draw", "Draws the calibration set, the evaluation set and the photographs that the sample carries.") { sample };
draw.SetAction(arguments => SampleData.Write(arguments.GetRequiredValue(sample)));

Command train = new("train", "Trains the sample's model on freshly drawn images and writes Models/digits.onnx.") { sample, seed, steps };
train.SetAction(arguments =>
{
    string path = Path.Combine(arguments.GetRequiredValue(sample), "Models", "digits.onnx");
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    TrainingRun run = new(arguments.GetRequiredValue(seed), arguments.GetRequiredValue(steps));
    Model model = run.Train(SampleData.Evaluation(), Console.WriteLine);
    model.Save(path);
    Console.WriteLine($"wrote {path}, {new FileInfo(path).Length:N0} bytes");
});

Command score = new("score", "Reads the evaluation images with Models/digits.onnx and prints the accuracy of each style.") { sample };
score.SetAction(arguments =>
{
    Model model = Model.Load(Path.Combine(arguments.GetRequiredValue(sample), "Models", "digits.onnx"));
    Console.WriteLine(Scoring.Of(model, SampleData.Evaluation()));
});

Command look = new("sheet", "Writes many training images on one, to look at.") { seed, sheet, images };
look.SetAction(arguments =>
{
    DigitImage[] drawn = DigitImage.DrawMany(arguments.GetRequiredValue(seed), StreamPurpose.TrainingImages, arguments.GetRequiredValue(images));
    ContactSheet.Write(arguments.GetRequiredValue(sheet), drawn, columns: 30, zoom: 2);
});

return new RootCommand("Draws digits of utility meters and trains the network that reads them.") { draw, train, score, look }.Parse(args).Invoke();
