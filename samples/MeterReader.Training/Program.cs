using MeterReader.Training.Drawing;
using MeterReader.Training.Learning;
var images = DigitImage.DrawMany(2026, StreamPurpose.EvaluationImages, 1500);
ContactSheet.Write("/tmp/sheet.png", images.Take(300).ToArray(), 30, 2);
var model = new TrainingRun(1, int.Parse(args[0]), int.Parse(args[1]), float.Parse(args[2])).Train(images, Console.WriteLine);
model.Save("/tmp/digits.onnx");
return 0;
