using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.Distilling;
using ModelBuildTasks.Optimization.Training.FakeQuantized;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>What one pass that trains is given.</summary>
/// <param name="Teacher">The model that is learned from.</param>
/// <param name="Data">Samples, with labels or without.</param>
/// <param name="Epochs">How often they are gone through; null where that is left to the pass.</param>
/// <param name="Limit">How long training may take, after which the best so far is what it made.</param>
/// <param name="CheckpointPath">Where training writes how far it is, to go on there after it was killed; null where it can't.</param>
/// <param name="IsClassifier">Whether the first output is known to hold scores of classes.</param>
internal sealed record TrainingTask(Model Teacher, Dataset Data, int? Epochs, TimeSpan Limit, string? CheckpointPath, bool IsClassifier)
{
    /// <summary>What is said of how training goes; all else is the pass's own choice.</summary>
    internal TrainingPlan Plan => new() { Epochs = Epochs, Limit = Limit, CheckpointPath = CheckpointPath };
}

/// <summary>The passes that train.</summary>
/// <param name="Distill">Trains the model to give what the teacher gives.</param>
/// <param name="TrainQuantized">Trains what static quantization made; with true, its scales stay as calibration found them.</param>
internal sealed record TrainingMethods(Func<TrainingTask, IModelPass> Distill, Func<TrainingTask, bool, IModelPass> TrainQuantized)
{
    /// <summary>The rate for weights that move a long way: what is masked and grows back, and what is trained in units of its own magnitude. 0.0008 served MobileNet in int8, and 0.0032 diverged (docs/BENCHMARKS.md).</summary>
    private const float HighRate = 1e-3f;

    /// <summary>Those of this package.</summary>
    internal static TrainingMethods Own { get; } = new(
        task => new Distillation(task.Teacher, task.Data, task.Plan) { IsClassifier = task.IsClassifier },
        (task, fixesScales) => new QuantizationAwareTraining(task.Teacher, task.Data, task.Plan with { LearningRate = HighRate }) { HasFixedScales = fixesScales, IsClassifier = task.IsClassifier })
    {
        Prune = (task, settings, excluded) => settings.Pruning switch
        {
            Contracts.Pruning.Surgery => new DynamicSurgery(task.Data, task.Plan with { LearningRate = HighRate }, settings.Sparsity, RecipeBook.ScopeOf(settings), excluded) { Teacher = task.Teacher, IsClassifier = task.IsClassifier },
            _ => new IterativePruning(task.Data, task.Plan, settings.Sparsity, excluded) { Teacher = task.Teacher, IsClassifier = task.IsClassifier },
        },
    };

    /// <summary>Prunes by surgery or structure while it trains; null where pruning comes first, and training then.</summary>
    internal Func<TrainingTask, ModelSettings, ExcludedLayers, IModelPass>? Prune { get; init; }
}

/// <summary>Composes what trains into recipes, as a request asks for it: behind what costs accuracy, and kept where it need not be done again.</summary>
/// <param name="hasStudent">Whether the model that is optimized is a student of the project's, which learns whether something was removed from it or not.</param>
/// <param name="methods">What trains.</param>
/// <param name="school">What it is trained with, and where that is kept.</param>
internal sealed class Recovery(bool hasStudent, TrainingMethods methods, School school)
{
    /// <summary>What trains for a request.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="source">The model that judges, with the student, where there is one.</param>
    /// <param name="teacher">The project's teacher; null for the source.</param>
    /// <param name="training">What the project names to learn from; null where it names nothing.</param>
    /// <param name="calibration">Serves in its place; null where there is none.</param>
    /// <param name="evaluation">Tells what the model is; null where there is none.</param>
    /// <param name="cache">Where what is trained is kept.</param>
    /// <param name="key">The key of its training.</param>
    /// <param name="methods">What trains.</param>
    /// <returns>Null where nothing is to be trained.</returns>
    /// <exception cref="DatasetException">The data can't be read or does not fit, or none of its samples is finite.</exception>
    internal static Recovery? For(OptimizationRequest request, SourceModel source, SourceModel? teacher, Dataset? training, Dataset? calibration, Dataset? evaluation, ArtifactCache cache, string key, TrainingMethods methods)
    {
        Dataset? data = training?.WhereFinite() ?? calibration;
        if (request.Settings.FineTune == FineTune.None || data is null)
        {
            return null;
        }

        if (data.Count > 0 && !data.Take(1).Read().First().IsFinite)
        {
            throw new DatasetException(DatasetError.DoesNotFit, request.TrainingData ?? request.CalibrationData!, $"each of its {data.Count} samples holds infinite or undefined (NaN) numbers, from which nothing can be learned; correct what wrote them, or name other {MetadataNames.TrainingData}");
        }

        bool isSearching = request.Settings.LeavesChoice && request.Locked is null;
        School school = new((teacher ?? source).Model, data, request.Settings.FineTuneEpochs, new TrainingClock(request.TimeoutSeconds, isSearching, request.Settings.FineTune == FineTune.Auto), new TrainedModels(cache, request), cache.CheckpointFolder, key)
        {
            Pinned = (request.Locked?.Recipe ?? request.Start)?.TrainedWeights ?? [],
            IsLocked = request.Locked is not null,
            IsClassifier = IsClassifier(request.Settings.Metric, evaluation, data),
        };
        return new Recovery(source.Student is not null, methods, school)
        {
            Learned = training is null && data.Count > 0 ? Optimization.Training.Distilling.Distillation.Learned(data) : null,
            LeftOut = training is not null && data.Count < training.Count ? Note.Of(DiagnosticCatalogue.SamplesLeftOut, $"{training.Count - data.Count}", $"{training.Count}", MetadataNames.TrainingData) : null,
        };
    }

    /// <summary>What training learns from where that is calibration data; null where it has its own.</summary>
    private Dataset? Learned { get; init; }

    internal const string DistillationName = "distillation";
    internal const string SurgeryName = "dynamic network surgery";
    internal const string IterativeName = "iterative structured pruning";
    internal const string QuantizedName = "quantization-aware training";
    internal const string QuantizedWeightsName = "training of quantized weights";

    /// <summary>That samples of the training data are not finite and nothing is learned from them; null where all are.</summary>
    internal Note? LeftOut { get; private init; }

    /// <summary>Whether what is optimized is a student of the project's.</summary>
    internal bool HasStudent => hasStudent;

    /// <summary>What a search has after training, in seconds.</summary>
    internal double SecondsLeft => school.SecondsLeft;

    /// <summary>Whether there is time to train at all.</summary>
    internal bool HasTime => school.HasTime;

    /// <summary>What is to be said where training was asked for by name, and nothing was there that it could follow.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="steps">What was done and given up.</param>
    internal static Note? Unmet(ModelSettings settings, IEnumerable<Step> steps) => settings.FineTune is FineTune.None or FineTune.Auto || steps.Any(step => step.Name is DistillationName or SurgeryName or IterativeName or QuantizedName or QuantizedWeightsName) ? null
        : Note.Of(DiagnosticCatalogue.StepDidNotApply, "training", (settings.FineTune, settings.Pruning) switch
        {
            (FineTune.QuantizationAware, _) => "nothing was quantized statically, so that there is nothing to train",
            (_, Contracts.Pruning.None) => "what ships was neither pruned nor quantized statically, so that there is nothing to give back",
            _ => "nothing was pruned, and where a Pruning is named, Distill trains what it left, and no integers; without the Pruning, or with a Sparsity that removes something, there is something to train",
        });

    /// <summary>What prunes while it trains, as is asked for by name; null where pruning is of another kind, or none.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="excluded">Layers that stay.</param>
    internal KeptTraining? Pruning(ModelSettings settings, ExcludedLayers excluded) => (settings.FineTune, settings.Pruning, settings.Sparsity) switch
    {
        (FineTune.Distill, Contracts.Pruning.Surgery or Contracts.Pruning.Structured, > 0) when methods.Prune is { } prune =>
            new(settings.Pruning == Contracts.Pruning.Surgery ? SurgeryName : IterativeName, isNeeded: true, task => prune(task, settings, excluded), school) { Prunes = true },
        _ => null,
    };

    /// <summary>What prunes, and what trains behind it.</summary>
    /// <param name="pruning">What is asked for by name.</param>
    /// <param name="fineTune">What is asked for; with <see cref="FineTune.Auto"/> nothing, before it is found that it takes training.</param>
    internal IModelPass[] WithTraining(IReadOnlyList<IModelPass> pruning, FineTune fineTune) =>
        fineTune == FineTune.Distill && (pruning.Count > 0 || hasStudent)
            ? [.. pruning.Select(pass => Learned is { } samples ? new PruningBeforeTraining(pass, samples) : pass), Distillation()]
            : [.. pruning];

    /// <summary>What training follows static quantization. Where pruning or a student was trained before, nothing: integers are fitted to what came of it.</summary>
    /// <param name="fineTune">What is asked for.</param>
    /// <param name="isPruned">Whether any pass prunes.</param>
    internal IEnumerable<IModelPass> AfterQuantization(FineTune fineTune, bool isPruned) => fineTune switch
    {
        FineTune.QuantizationAware => [Quantized(fixesScales: false)],
        FineTune.Distill when !isPruned && !hasStudent => [Quantized(fixesScales: true)],
        _ => [],
    };

    /// <summary>What is trained where it is left to the build, and what is named costs too much.</summary>
    internal FineTune Choice(bool isPruned) => isPruned || hasStudent ? FineTune.Distill : FineTune.QuantizationAware;

    /// <summary>Trains a model that something was removed from.</summary>
    internal KeptTraining Distillation() => new(DistillationName, isNeeded: hasStudent, methods.Distill, school);

    private static bool IsClassifier(Metric metric, params Dataset?[] data) => metric switch
    {
        Metric.Auto => data.OfType<Dataset>().Any(set => set is { Count: > 0, HasLabels: true, Scoring: { Detection: null, Segmentation: null } } && set.Take(1).Read().First().HasClass),
        Metric.Top1 or Metric.Top5 or Metric.F1 or Metric.Precision or Metric.Recall or Metric.AreaUnderRoc or Metric.Agreement => true,
        _ => false,
    };

    private KeptTraining Quantized(bool fixesScales) => new(fixesScales ? QuantizedWeightsName : QuantizedName, isNeeded: true, task => methods.TrainQuantized(task, fixesScales), school);
}
