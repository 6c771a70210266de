using System.Diagnostics;
using MeterReader.Training.Drawing;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace MeterReader.Training.Learning;

/// <summary>Trains a <see cref="DigitNetwork"/> on images that are drawn for each step and never seen twice.</summary>
/// <param name="Seed">Decides weights and images.</param>
/// <param name="Steps">Batches to learn from.</param>
/// <param name="BatchSize">Images a batch.</param>
/// <param name="LearningRate">Highest rate of the schedule.</param>
/// <param name="WeightDecay">Decoupled weight decay of filters and matrices.</param>
internal sealed record TrainingRun(ulong Seed, int Steps, int BatchSize = 64, float LearningRate = 3e-3f, float WeightDecay = 0.02f)
{
    private const int ReportEvery = 100;

    /// <summary>Trains and returns the network.</summary>
    /// <param name="watched">Images whose accuracy is reported now and then; nothing is learned from them.</param>
    /// <param name="report">Receives a line of progress.</param>
    /// <param name="losses">Receives the loss of each step.</param>
    public Model Train(IReadOnlyList<DigitImage> watched, Action<string> report, Action<float>? losses = null)
    {
        Model model = DigitNetwork.Create(Seed);
        TrainingProblem problem = TrainingProblem.OfClassifier(model, BatchSize, [1, DigitImage.Height, DigitImage.Width], WeightDecay);
        using Trainer trainer = new(problem, new TrainerSettings(Threads: Environment.ProcessorCount));
        CosineSchedule schedule = new(LearningRate, WarmUp: Math.Min(200, Steps / 10), Steps);
        Stopwatch watch = Stopwatch.StartNew();
        double meanLoss = 0;
        report($"{DigitNetwork.CountParameters(model):N0} parameters, {Steps:N0} steps of {BatchSize} images");
        Task<DigitImage[]> next = Draw(0);
        for (int step = 0; step < Steps; step++)
        {
            // The next images are drawn while the network learns from these.
            DigitImage[] batch = next.GetAwaiter().GetResult();
            next = Draw(step + 1);
            float loss = trainer.Step(schedule.At(step), Batch.Pixels(batch), Batch.Labels(batch));
            losses?.Invoke(loss);
            meanLoss += (loss - meanLoss) / ((step % ReportEvery) + 1);
            if ((step + 1) % ReportEvery == 0 || step + 1 == Steps)
            {
                report($"step {step + 1,6:N0}  {watch.Elapsed:mm\\:ss}  loss {meanLoss:F4}");
                meanLoss = 0;
            }

            if ((step + 1) % (ReportEvery * 10) == 0 || step + 1 == Steps)
            {
                trainer.Commit(model);
                report($"accuracy {Scoring.Of(model, watched)}");
            }
        }

        return model;
    }

    private Task<DigitImage[]> Draw(int step) =>
        Task.Run(() => DigitImage.DrawMany(Seed, StreamPurpose.TrainingImages, BatchSize, first: step * BatchSize));
}
