using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>What one pass that trains is given.</summary>
/// <param name="Teacher">The model that is learned from.</param>
/// <param name="Data">Samples, with labels or without.</param>
/// <param name="Epochs">How often they are gone through; null where that is left to the pass.</param>
/// <param name="Limit">How long training may take, after which the best so far is what it made.</param>
/// <param name="CheckpointPath">Where training writes how far it is, to go on there after it was killed; null where it can't.</param>
internal sealed record TrainingTask(Model Teacher, Dataset Data, int? Epochs, TimeSpan Limit, string? CheckpointPath);

/// <summary>The passes that train.</summary>
/// <param name="Distill">Trains the model to give what the teacher gives.</param>
/// <param name="TrainQuantized">Trains what static quantization made; with true, its scales stay as calibration found them.</param>
internal sealed record TrainingMethods(Func<TrainingTask, IModelPass> Distill, Func<TrainingTask, bool, IModelPass> TrainQuantized)
{
    /// <summary>Those of this package.</summary>
    internal static TrainingMethods Own { get; } = new(
        task => throw new NotSupportedException($"No distillation for {task.Data}."),
        (task, _) => throw new NotSupportedException($"No quantization-aware training for {task.Data}."));
}

/// <summary>Composes what trains into recipes, as a request asks for it: behind what costs accuracy, and kept where it need not be done again.</summary>
/// <param name="fineTune">What is asked for.</param>
/// <param name="hasStudent">Whether the model that is optimized is a student of the project's, which learns whether something was removed from it or not.</param>
/// <param name="methods">What trains.</param>
/// <param name="school">What it is trained with, and where that is kept.</param>
internal sealed class Recovery(FineTune fineTune, bool hasStudent, TrainingMethods methods, School school)
{
    internal const string DistillationName = "distillation";
    internal const string QuantizedName = "quantization-aware training";

    /// <summary>What training follows pruning that is named.</summary>
    /// <param name="isPruned">Whether any pass prunes.</param>
    internal IEnumerable<IModelPass> AfterPruning(bool isPruned) =>
        fineTune == FineTune.Distill && (isPruned || hasStudent) ? [Distillation()] : [];

    /// <summary>What training follows static quantization. Where pruning or a student was trained before, nothing: integers are fitted to what came of it.</summary>
    /// <inheritdoc cref="AfterPruning"/>
    internal IEnumerable<IModelPass> AfterQuantization(bool isPruned) => fineTune switch
    {
        FineTune.QuantizationAware => [Quantized(fixesScales: false)],
        FineTune.Distill when !isPruned && !hasStudent => [Quantized(fixesScales: true)],
        _ => [],
    };

    /// <summary>Trains a model that something was removed from.</summary>
    internal KeptTraining Distillation() => new(DistillationName, isNeeded: hasStudent, position: 0, methods.Distill, school);

    private KeptTraining Quantized(bool fixesScales) => new(QuantizedName, isNeeded: true, position: 0, task => methods.TrainQuantized(task, fixesScales), school);
}
