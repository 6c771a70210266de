using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using static ModelBuildTasks.Contracts.DiagnosticSeverity;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// Every diagnostic there is: messages, help links and docs/DIAGNOSTICS.md come from here.
/// MBT0xxx configuration, MBT1xxx warnings, MBT2xxx budgets, MBT3xxx tool and environment, MBT4xxx the model or data is bad.
/// </summary>
public static class DiagnosticCatalogue
{
    /// <summary>{0} metadata, {1} value, {2} allowed values.</summary>
    public static readonly DiagnosticDescriptor UnknownValue = new("MBT0001", "Unknown value", Error,
        "{0}=\"{1}\" is not known; expected one of {2}.", "Correct the value.");

    /// <summary>{0} metadata, {1} value, {2} what is expected.</summary>
    public static readonly DiagnosticDescriptor NotAQuantity = new("MBT0002", "Malformed value", Error,
        "{0}=\"{1}\" is not {2}.", "Correct the value.");

    /// <summary>{0} the contradiction, a clause.</summary>
    public static readonly DiagnosticDescriptor ContradictorySettings = new("MBT0003", "Settings contradict each other", Error,
        "The settings contradict each other: {0}.", "Change or remove one of them.");

    /// <summary>{0} path.</summary>
    public static readonly DiagnosticDescriptor ModelNotFound = new("MBT0004", "Model file not found", Error,
        "There is no model file '{0}'.", "Correct the path (in a project, the Include of the OptimizedModel item), or put the model there.");

    /// <summary>{0} metadata, {1} path.</summary>
    public static readonly DiagnosticDescriptor DataNotFound = new("MBT0005", "Data, a teacher or a student not found", Error,
        "{0}=\"{1}\" does not exist.", "Correct the path, which is relative to the project, or put the file or folder there.");

    /// <summary>{0} model name, {1} the setting that needs it.</summary>
    public static readonly DiagnosticDescriptor NoCalibrationData = new("MBT0006", "No calibration data", Error,
        "'{0}' asks for {1} but has no CalibrationData.",
        "Name a folder or file with some hundred typical inputs as CalibrationData, or choose what needs none, such as Quantization=\"Dynamic\" or Pruning=\"Magnitude\".");

    /// <summary>No arguments.</summary>
    public static readonly DiagnosticDescriptor NotAnSdkProject = new("MBT0008", "Not an SDK project", Error,
        "OptimizedModel items need a project that uses Microsoft.NET.Sdk.", "Convert the project, or move the model to a class library that does.");

    /// <summary>{0} name, {1} other model's path, {2} model's path.</summary>
    public static readonly DiagnosticDescriptor DuplicateName = new("MBT0009", "Two models with one name", Error,
        "'{2}' has the name '{0}', which '{1}' has already.", "Give one of the OptimizedModel items a Name of its own.");

    /// <summary>{0} model name, {1} targets, {2} runtime identifier.</summary>
    public static readonly DiagnosticDescriptor TargetCannotRun = new("MBT0010", "No target can run on the runtime identifier", Error,
        "None of the targets of '{0}' ({1}) can run on {2}.", "Add a target for this runtime identifier to Targets, or remove Targets to let the build choose.");

    /// <summary>{0} what is unknown ("model" or "target"), {1} value, {2} known values.</summary>
    public static readonly DiagnosticDescriptor UnknownOverride = new("MBT0011", "OptimizedModelTarget names an unknown model or target", Error,
        "OptimizedModelTarget names the {0} '{1}', which is none of {2}.", "Correct the item's Include (a target profile) or its Model (a model's Name).");

    /// <summary>{0} metadata name, {1} nearest known one.</summary>
    public static readonly DiagnosticDescriptor UnknownMetadata = new("MBT0012", "Misspelt metadata", Warning,
        "The metadata '{0}' is not known and does nothing; did you mean '{1}'?", "Correct its name.");

    /// <summary>{0} model name, {1} target framework.</summary>
    public static readonly DiagnosticDescriptor CompressNeedsBrotli = new("MBT0013", "The target framework can't decompress", Error,
        "'{0}' has Compress=\"true\", and the target framework {1} has no Brotli, which the app would need to decompress it.",
        "Target .NET Standard 2.1 or .NET (Core) 3.0 or later, or write Compress with a Condition on TargetFramework.");

    /// <summary>{0} file name, {1} reason.</summary>
    public static readonly DiagnosticDescriptor LockUnreadable = new("MBT0014", "The lock file can't be read", Error,
        "'{0}' can't be read: {1}.", "Settle a merge by taking one side and run 'dotnet build -t:UpdateModelLock', which renews what it can make, or restore the file from version control. A file of a newer version needs that version of the package.");

    /// <summary>{0} reason, as a clause.</summary>
    public static readonly DiagnosticDescriptor NoOrtFormat = new("MBT0015", "The model can't ship in ORT format", Error,
        "The model can't ship in ORT format: {0}.", "Leave out Format=\"Ort\"; any full build of ONNX Runtime reads the ONNX form.");

    /// <summary>{0} command, {1} path.</summary>
    public static readonly DiagnosticDescriptor NothingExported = new("MBT0016", "The export command made no model", Error,
        "The ExportCommand '{0}' ended well, and there is no model file '{1}'.",
        "Make the command write to the item's Include, as in ExportCommand=\"python export.py --output %(Identity)\"; it runs in the project's folder.");

    /// <summary>{0} model name, {1} target, {2} reason.</summary>
    public static readonly DiagnosticDescriptor NotEmbeddable = new("MBT0017", "A model in several files can't be embedded", Error,
        "'{0}' for {1} keeps its weights in a file of their own, which a resource can't have beside it: {2}.",
        "Set Embed=\"false\", without Compress, for a model and its weights beside the app; for an artifact of more than 2 GB a smaller Precision may do, too.");

    /// <summary>{0} model name, {1} the setting that needs it.</summary>
    public static readonly DiagnosticDescriptor NoTrainingData = new("MBT0018", "No data to train on", Error,
        "'{0}' asks for {1} but has neither TrainingData nor CalibrationData.",
        "Name a folder or file with typical inputs as TrainingData, the more the better; labels are not needed. CalibrationData serves where there is none.");

    /// <summary>{0} model name, {1} target, {2} reason.</summary>
    public static readonly DiagnosticDescriptor PassedThrough = new("MBT1001", "The model passes through unchanged", Warning,
        "'{0}' for {1} is the original model: {2}.", "The reason names what was tried. Give what it misses (CalibrationData, a target whose kernels gain, room in a budget), or set Precision=\"Float32\" to say that this is wanted.");

    /// <summary>{0} budget, {1} allowed, {2} what was measured with its interval, or why nothing was, a clause.</summary>
    public static readonly DiagnosticDescriptor BudgetUndecided = new("MBT1002", "A budget can't be decided", Warning,
        "{0}=\"{1}\" can't be decided: {2}.", "Give it what it lacks, or leave the budget more room.");

    /// <summary>{0} model name, {1} target, {2} wanted recipe, {3} recipe taken, {4} reason, {5} what can be done about that, a sentence.</summary>
    public static readonly DiagnosticDescriptor FellBack = new("MBT1003", "Auto fell back to a lesser recipe", Warning,
        "'{0}' for {1}: {2} was given up for {3}: {4}. {5}", "A Precision that the project names is obeyed, and left to its budgets.");

    /// <summary>{0} model name, {1} target, {2} what the artifact was judged by, a clause.</summary>
    public static readonly DiagnosticDescriptor AccuracyNotMeasured = new("MBT1004", "Accuracy not measured", Warning,
        "The accuracy of '{0}' for {1} was not measured, for there is no EvaluationData; {2}.",
        "Name some hundred samples as EvaluationData, with labels where there are any; with others as CalibrationData, Auto may compute in integers and remove channels.");

    /// <summary>{0} model name, {1} target, {2} reason.</summary>
    public static readonly DiagnosticDescriptor LatencyNotMeasured = new("MBT1005", "Latency not measured", Warning,
        "The latency of '{0}' for {1} was not measured: {2}.", "Build on a machine of that kind, or run 'modelbuild measure' there and include its file as a ModelMeasurement item (docs/MEASURING.md).");

    /// <summary>{0} model name, {1} target, {2} step, {3} reason.</summary>
    public static readonly DiagnosticDescriptor StepDidNotApply = new("MBT1006", "A requested step did not apply", Warning,
        "'{0}' for {1}: {2} did not apply: {3}.", "Remove the setting if that is right for this model.");

    /// <summary>{0} URL without credentials, {1} what the server did, a clause.</summary>
    public static readonly DiagnosticDescriptor RemoteCacheFailed = new("MBT1007", "The remote cache does not work", Warning,
        "The remote cache {0} was of no use: {1}.", "Nothing is wrong with the artifact, which was made here. Correct ModelRemoteCache, or look at the server.");

    /// <summary>{0} output, {1} samples with such values, {2} all samples, {3} data path.</summary>
    public static readonly DiagnosticDescriptor OutputNotFinite = new("MBT1008", "The model gives infinite or undefined values", Warning,
        "The model's own output '{0}' has infinite or undefined (NaN) values for {1} of {2} samples of '{3}'.",
        "Scale the data as the model expects it, remove those samples, or export the model again; where infinities are meant, as of masked scores, add MBT1008 to NoWarn.");

    /// <summary>{0} model name, {1} target, {2} bytes of what ships, {3} bytes of the original.</summary>
    public static readonly DiagnosticDescriptor LargerThanOriginal = new("MBT1009", "A requested technique makes the model larger", Warning,
        "'{0}' for {1} has {2} bytes, more than the {3} of the original model.",
        "Remove the setting that asks for it: Auto ships nothing larger, bfloat16 models aside that are lifted to float32. Or allow a size with MaxSize or MaxSizeRatio.");

    /// <summary>{0} model name, {1} target, {2} ratio, {3} its interval.</summary>
    public static readonly DiagnosticDescriptor SlowerThanOriginal = new("MBT1012", "A requested technique makes the model slower", Warning,
        "'{0}' for {1} takes {2} the original model's time ({3}).",
        "Remove the setting that asks for it: Auto ships nothing slower. Or say how much is allowed with MaxLatencyRatio.");

    /// <summary>{0} model name, {1} target, {2} technique, {3} what it loses, a clause.</summary>
    public static readonly DiagnosticDescriptor ObeyedAtALoss = new("MBT1010", "A requested technique loses more accuracy than Auto would", Warning,
        "'{0}' for {1}: {2} was carried out as the project asks, and {3}.",
        "Look through CalibrationData for samples unlike the others, of which one can spoil every range, choose a gentler setting, or state MaxAccuracyDrop, which then judges.");

    /// <summary>{0} model name, {1} target, {2} samples left out, {3} all samples, {4} the metadata that names the data.</summary>
    public static readonly DiagnosticDescriptor SamplesLeftOut = new("MBT1011", "Samples are not finite", Warning,
        "'{0}' for {1}: {2} of {3} samples of {4} hold infinite or undefined (NaN) numbers and were left out.", "Remove those samples, or correct what wrote them.");

    /// <summary>{0} model name, {1} target, {2} what is shared, a clause.</summary>
    public static readonly DiagnosticDescriptor SharedSamples = new("MBT1018", "Evaluation data holds samples that were learned from", Warning,
        "'{0}' for {1}: {2}. Accuracy measured on what the model was fitted to says little of new data.",
        "Keep the two apart: remove those samples, or part one data set by \"split\" (docs/DATA.md). Where it is meant, add MBT1018 to NoWarn.");

    /// <summary>{0} model name, {1} target, {2} what is wrong, a clause.</summary>
    public static readonly DiagnosticDescriptor LabelProblem = new("MBT1019", "Evaluation labels hide something", Warning,
        "'{0}' for {1}: in the evaluation data {2}.", "Correct the labels, or add the samples that are missing. Where it is meant, add MBT1019 to NoWarn.");

    /// <summary>{0} data path, {1} what has changed, a clause.</summary>
    public static readonly DiagnosticDescriptor InputDrift = new("MBT1020", "The data has drifted", Warning,
        "'{0}' is no longer like the data that the model was calibrated with: {1}.",
        "Look at its preparation first (scale, channel order, units); if the data itself has changed, renew the calibration data and build again.");

    /// <summary>{0} model name, {1} target, {2} what was measured and what is allowed.</summary>
    public static readonly DiagnosticDescriptor LatencyOfAnotherProcessor = new("MBT1013", "MaxLatency was set on another processor", Warning,
        "MaxLatency of '{0}' for {1} was not judged: {2}.",
        "Judge it on such a machine, bound MaxLatencyRatio in its place, which holds on every machine, or delete maxLatency from the lock file's entry and run 'dotnet build -t:UpdateModelLock' here, which ties the limit to this processor.");

    /// <summary>{0} model name, {1} target, {2} file name, {3} reason, {4} command.</summary>
    public static readonly DiagnosticDescriptor MeasurementRefused = new("MBT1014", "A measurement is of something else", Warning,
        "The measurement '{2}' says nothing of '{0}' for {1}: {3}. '{4}' measures it.", "Run that command on the device and commit the file, or remove it.");

    /// <summary>{0} model name, {1} target, {2} budgets.</summary>
    public static readonly DiagnosticDescriptor JudgedByLikeness = new("MBT1016", "An accuracy budget is judged by likeness", Warning,
        "'{0}' for {1}: the data has no labels, so that likeness to the original model (Cosine) decides {2}, and not how many answers are right.",
        "Add labels, or say that likeness is meant by Metric=\"Cosine\" or, of a classifier, Metric=\"Agreement\".");

    /// <summary>{0} model name, {1} target, {2} package and version that the project references, {3} reason, a clause.</summary>
    public static readonly DiagnosticDescriptor NotTriedInRuntime = new("MBT1021", "Not tried in the project's ONNX Runtime", Warning,
        "'{0}' for {1} was made for {2}, which the project references, and could not be tried in it: {3}.",
        "Nothing is known to be wrong with the artifact. Build again with -t:Rebuild, on a machine that can load that version and has the time for it.");

    /// <summary>{0} oldest version, {1} package and version that the project references.</summary>
    public static readonly DiagnosticDescriptor AccessorCannotRun = new("MBT1022", "The accessors can't load and run", Warning,
        "The generated accessors have OpenRead, and neither Load nor Run: these need Microsoft.ML.OnnxRuntime {0}, and the project references {1}.",
        "Reference a newer version of the package. To stay with this one, run the bytes in a session of your own and add MBT1022 to NoWarn.");

    /// <summary>{0} model name, {1} target, {2} what the target takes and what the model has, a clause.</summary>
    public static readonly DiagnosticDescriptor IntegersNotTaken = new("MBT1023", "The model brings integers that the target does not take", Warning,
        "'{0}' for {1} keeps integers that {1} does not take: {2}. They run beside its engine, if the model loads there.",
        "Name the float model as the source, which is then quantized as the target takes it (docs/TARGETS.md), quantize it elsewhere with int8, zero points of 0 and biases in float, or leave this target to other models.");

    /// <summary>{0} model name, {1} target, {2} SHA-256 of the weights that the lock file pins, {3} where they were looked for, the rest of the sentence.</summary>
    public static readonly DiagnosticDescriptor TrainedAgain = new("MBT1024", "The model was trained again", Warning,
        "'{0}' for {1} was trained again, to other weights than the lock file has: {2} {3}.",
        "Where the time limit ends training, or on another kind of processor, it comes to other weights each time. Commit the folder that ModelTrainedWeights names with the lock file, or share a cache; 'dotnet build -t:UpdateModelLock' pins the weights of this build.");

    /// <summary>{0} model name, {1} target, {2} what was measured and what is allowed.</summary>
    public static readonly DiagnosticDescriptor AccuracyBudget = new("MBT2001", "Accuracy budget broken", Error,
        "'{0}' for {1} is not accurate enough: {2}.",
        "Give more calibration data, choose a gentler Precision or Sparsity, set FineTune=\"Auto\" with TrainingData where nothing was trained (docs/FINE-TUNING.md), or loosen MaxAccuracyDrop or MinAccuracy.");

    /// <summary>{0} model name, {1} target, {2} what was measured and what is allowed.</summary>
    public static readonly DiagnosticDescriptor ClassAccuracyBudget = new("MBT2002", "Class accuracy budget broken", Error,
        "'{0}' for {1} is not accurate enough for one class or slice: {2}.",
        "Add samples like these to the calibration data, choose a gentler Precision or Sparsity, or loosen MaxClassAccuracyDrop.");

    /// <summary>{0} model name, {1} target, {2} what was measured and what is allowed.</summary>
    public static readonly DiagnosticDescriptor LatencyBudget = new("MBT2003", "Latency budget broken", Error,
        "'{0}' for {1} is too slow: {2}.", "Choose a faster Precision or a smaller model, or loosen MaxLatency or MaxLatencyRatio.");

    /// <summary>{0} model name, {1} target, {2} what was measured and what is allowed.</summary>
    public static readonly DiagnosticDescriptor SizeBudget = new("MBT2004", "Size budget broken", Error,
        "'{0}' for {1} is too large: {2}.", "Choose a smaller Precision or a smaller model, set Compress=\"true\", or loosen MaxSize or MaxSizeRatio.");

    /// <summary>{0} model name, {1} target, {2} what was measured and what is allowed.</summary>
    public static readonly DiagnosticDescriptor MemoryBudget = new("MBT2005", "Memory budget broken", Error,
        "'{0}' for {1} needs too much memory: {2}.", "Choose a smaller Precision or a smaller model, or loosen MaxMemory.");

    /// <summary>{0} model name, {1} target, {2} lock file name, {3} what got worse, {4} command.</summary>
    public static readonly DiagnosticDescriptor LockRegression = new("MBT2006", "Worse than the lock file says", Error,
        "'{0}' for {1} is worse than '{2}' says: {3}. '{4}' accepts it.", "Undo what made it worse, or run that command and commit the lock file.");

    /// <summary>{0} lock file name, {1} what was found and what is locked, {2} command.</summary>
    public static readonly DiagnosticDescriptor LockOutOfDate = new("MBT2007", "The lock file is out of date", Error,
        "'{0}' is out of date, and this build is locked: {1}. '{2}' updates it.", "Run that command and commit the lock file, or undo the change.");

    /// <summary>{0} model name, {1} target, {2} budget, {3} reason.</summary>
    public static readonly DiagnosticDescriptor BudgetNotMeasured = new("MBT2008", "A budget could not be measured", Error,
        "'{0}' for {1}: {2} could not be measured and ModelMeasurement is Require: {3}.", "Measure on a machine that can, or with 'modelbuild measure' on the device (docs/MEASURING.md), remove the budget, or set ModelMeasurement to Auto.");

    /// <summary>{0} model name, {1} target, {2} the form that ships, {3} budgets that it breaks, {4} what would have to give, a clause.</summary>
    public static readonly DiagnosticDescriptor NothingKeepsTheBudgets = new("MBT2009", "Nothing that was tried keeps all budgets", Error,
        "'{0}' for {1}: no form of the model that was tried keeps all budgets. {2} comes nearest and breaks {3}: {4}.", "Loosen the budget that binds, or begin with a smaller model; -t:ReportModels has all that was tried.");

    /// <summary>{0} what happened, {1} last lines of the worker's error output.</summary>
    public static readonly DiagnosticDescriptor WorkerFailed = new("MBT3001", "The worker failed", Error,
        "The model worker failed: {0}. {1}", "Report this with the model if you can; the previous output was left as it was.");

    /// <summary>{0} what was looked for, {1} where.</summary>
    public static readonly DiagnosticDescriptor WorkerNotFound = new("MBT3002", "The .NET host or the worker was not found", Error,
        "{0} was not found at '{1}'.", "Restore the ModelBuildTasks package again, and install the .NET SDK that it asks for.");

    /// <summary>{0} path, {1} reason.</summary>
    public static readonly DiagnosticDescriptor CannotWrite = new("MBT3003", "Output can't be written", Error,
        "'{0}' can't be written: {1}", "Free disk space, or correct the permissions of the folder.");

    /// <summary>{0} limit.</summary>
    public static readonly DiagnosticDescriptor TimedOut = new("MBT3004", "Optimization timed out", Error,
        "Optimizing took longer than {0}.", "Raise ModelOptimizationTimeout, or use less calibration and evaluation data.");

    /// <summary>{0} models, {1} exit code, {2} the end of its output.</summary>
    public static readonly DiagnosticDescriptor ExportFailed = new("MBT3005", "The export command failed", Error,
        "The ExportCommand of {0} ended with exit code {1}. {2}", "Run the command by hand in the project's folder; its whole output is in the log.");

    /// <summary>{0} reason.</summary>
    public static readonly DiagnosticDescriptor NotOnnx = new("MBT4001", "Not an ONNX model", Error,
        "This is not an ONNX model: {0}.", "Export the model to ONNX, and check that Git LFS fetched the file itself.");

    /// <summary>{0} reason.</summary>
    public static readonly DiagnosticDescriptor ModelTruncated = new("MBT4002", "The model is truncated or corrupt", Error,
        "The model ends early or is corrupt: {0}.", "Fetch or export the file again.");

    /// <summary>{0} reason.</summary>
    public static readonly DiagnosticDescriptor ExternalData = new("MBT4003", "External data missing, outside or too short", Error,
        "The model's external data can't be used: {0}.", "Put the data file beside the model, as it was exported.");

    /// <summary>{0} reason.</summary>
    public static readonly DiagnosticDescriptor CannotRun = new("MBT4004", "ONNX Runtime can't load or run the model", Error,
        "ONNX Runtime can't run the model: {0}.", "Check the model with ONNX Runtime itself, or export it with another opset.");

    /// <summary>{0} data path, {1} what was found and what the model expects.</summary>
    public static readonly DiagnosticDescriptor DataDoesNotFit = new("MBT4005", "The data does not fit the model's inputs", Error,
        "'{0}' does not fit the model: {1}.", "Convert the data, or describe it in a dataset.json beside it.");

    /// <summary>{0} data path, {1} reason.</summary>
    public static readonly DiagnosticDescriptor DataUnreadable = new("MBT4006", "The data set can't be read", Error,
        "'{0}' can't be read: {1}.", "Correct the file, or the dataset.json that describes it, or fetch it again; docs/DATA.md has the formats.");

    /// <summary>{0} metric, {1} data path, {2} reason.</summary>
    public static readonly DiagnosticDescriptor MetricDoesNotApply = new("MBT4008", "The metric does not apply to the data", Error,
        "Metric=\"{0}\" does not apply to '{1}': {2}.", "Add labels that suit it, or choose Metric=\"Cosine\", \"SignalToNoise\" or, of a classifier, \"Agreement\", which need none.");

    /// <summary>{0} reason.</summary>
    public static readonly DiagnosticDescriptor GraphInvalid = new("MBT4009", "The graph is invalid", Error,
        "The model's graph is invalid: {0}.", "Export the model again; 'modelbuild inspect' shows what it holds.");

    /// <summary>{0} model name, {1} reason.</summary>
    public static readonly DiagnosticDescriptor InputUnreadable = new("MBT4010", "The model or its data can't be read", Error,
        "The model '{0}' or data of its can't be read: {1}", "Correct the permissions of the file, or close the program that holds it.");

    /// <summary>{0} output, {1} samples, {2} data path.</summary>
    public static readonly DiagnosticDescriptor OutputUndefined = new("MBT4011", "The model gives nothing to measure", Error,
        "The model's own output '{0}' is infinite or undefined (NaN) for every one of the {1} samples of '{2}', so that no accuracy can be told.",
        "Scale the data as the model expects it, or export the model again.");

    /// <summary>{0} file name, {1} reason.</summary>
    public static readonly DiagnosticDescriptor MeasurementUnreadable = new("MBT4012", "The measurement file can't be read", Error,
        "The measurement '{0}' can't be read: {1}.", "Restore the file, or measure again with 'modelbuild measure'.");

    /// <summary>{0} package and version that the project references, {1} reason, as a clause that says so.</summary>
    public static readonly DiagnosticDescriptor NeedsNewerRuntime = new("MBT4014", "The model does not run in the project's ONNX Runtime", Error,
        "The model does not run in {0} and can't be made to: {1}.",
        "Reference a newer version of the package, or give this one what it reads: Format=\"Onnx\" in the place of Ort, or an export for an older operator set.");

    /// <summary>{0} data path, {1} what was measured and what is allowed, or why nothing was, a clause.</summary>
    public static readonly DiagnosticDescriptor DriftLimit = new("MBT4013", "The data has drifted more than allowed", Error,
        "'{0}' breaks --max-drift: {1}.", "Look at its preparation first; if the data itself has changed, renew the calibration data and build again.");

    /// <summary>{0} artifact's file name, {1} data set's, {2} what is missing, a clause.</summary>
    public static readonly DiagnosticDescriptor LimitNotMeasured = new("MBT4015", "A limit on new data could not be measured", Error,
        "'{0}' can't be judged on '{1}': {2}.", "Give what is missing, or leave out what asks for it.");

    /// <summary>{0} reason, as a clause.</summary>
    public static readonly DiagnosticDescriptor CannotPreprocess = new("MBT4017", "Nothing can be put in front of the model", Error,
        "What Preprocess says can't be put in front of the model: {0}.", "Leave Preprocess out, and give the model what it takes; or export it again as the reason says.");

    /// <summary>{0} path, {1} reason.</summary>
    public static readonly DiagnosticDescriptor ResultUnreadable = new("MBT4016", "Not a result file of this version", Error,
        "'{0}' is no result file that this version reads: {1}.", "Name a .result.json that a build wrote beside its artifact, or what 'optimize --json' wrote; build again where another version did.");

    /// <summary>{0} tensor, its size and the limit.</summary>
    public static readonly DiagnosticDescriptor TensorTooLarge = new("MBT4018", "One tensor has more than 2 GB", Error,
        "The model can't be read: {0}.", "Export it with the tensor in parts, such as a matrix product for each half of the columns and a Concat, or in a smaller type, such as float16.");

    /// <summary>{0} metadata, {1} path, {2} difference, a clause.</summary>
    public static readonly DiagnosticDescriptor SignatureDiffers = new("MBT4019", "A teacher or student has other inputs or outputs", Error,
        "{0}=\"{1}\" does not take and give what the model does: {2}.", "Export it with the model's inputs and outputs: the same names, types and shapes.");

    /// <summary>{0} path, {1} reason, a clause.</summary>
    public static readonly DiagnosticDescriptor TrainedWeightsUnusable = new("MBT4020", "Trained weights are not those of the lock file", Error,
        "'{0}' does not hold what the lock file pins: {1}.",
        "Restore the file from version control, or delete it: the weights then come from the cache, or the model is trained again, which 'dotnet build -t:UpdateModelLock' accepts.");

    /// <summary>All of them, by code.</summary>
    public static IReadOnlyList<DiagnosticDescriptor> All { get; } =
        [.. typeof(DiagnosticCatalogue).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => field.GetValue(null)).OfType<DiagnosticDescriptor>().OrderBy(descriptor => descriptor.Code, System.StringComparer.Ordinal)];
}
