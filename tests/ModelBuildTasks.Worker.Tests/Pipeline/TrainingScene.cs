using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>A small model with labelled data, and requests to train it. Training itself is stood in for: it writes into the model which lesson it was.</summary>
public abstract class TrainingScene : IDisposable
{
    private protected const string LessonKey = "lesson";

    private protected readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private protected readonly List<(string Technique, TrainingTask Task)> trained = [];

    /// <summary>What training ends in: another processor's arithmetic is another lesson.</summary>
    private protected string lesson = "first";

    public void Dispose()
    {
        place.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected OptimizationRequest Pruned(Action<OptimizationRequest>? change = null) => Request(request =>
    {
        (request.Settings.FineTune, request.Settings.Precision, request.Settings.Pruning, request.Settings.Sparsity) = (FineTune.Distill, Precision.Float32, Pruning.Structured, 0.5);
        change?.Invoke(request);
    });

    private protected OptimizationRequest Request(Action<OptimizationRequest> change) => place.Request(request =>
    {
        request.CalibrationData = place.WriteData("calibration", count: 64, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation", count: 100);
        change(request);
    });

    private protected OptimizationResult Run(OptimizationRequest request, Action<PipelineProgress>? watch = null, CancellationToken cancellation = default)
    {
        OptimizationResult result = Pipeline(Methods(_ => { }), watch).Run(request, cancellation);
        Assert.IsTrue(result.Succeeded, string.Join("\n", result.Diagnostics));
        return result;
    }

    private protected static OptimizationPipeline Pipeline(TrainingMethods methods, Action<PipelineProgress>? watch = null) => new(new Watched(watch), methods: methods);

    private protected TrainingMethods Methods(Action<TrainingTask> during)
    {
        return new TrainingMethods(task => Pass("distill", task), (task, isFixed) => Pass(isFixed ? "quantized, scales fixed" : "quantized", task));

        EditingPass Pass(string technique, TrainingTask task) => new(technique, model =>
        {
            during(task);
            trained.Add((technique, task));
            model.Metadata[LessonKey] = lesson;
        });
    }

    private sealed class Watched(Action<PipelineProgress>? action) : IProgress<PipelineProgress>
    {
        public void Report(PipelineProgress value) => action?.Invoke(value);
    }
}
