using MeterReader.Training.Drawing;

var watch = System.Diagnostics.Stopwatch.StartNew();
var images = DigitImage.DrawMany(1, StreamPurpose.TrainingImages, 3000);
Console.WriteLine(watch.Elapsed);
ContactSheet.Write("/tmp/sheet.png", images.Take(300).ToArray(), 30, 2);
return 0;
