using static ModelBuildTasks.Contracts.DiagnosticCatalogue;

namespace ModelBuildTasks.Contracts.Tests;

/// <summary>What docs/DIAGNOSTICS.md tells of each code beside its message: why it comes, and the message as a build says it.</summary>
internal static class DiagnosticExamples
{
    private const string Name = "digits";
    private const string Target = "cpu";
    private const string Lock = "models.lock.json";
    private const string Update = "dotnet build MeterReader.csproj -t:UpdateModelLock";
    private const string Project = "/home/me/MeterReader";
    private const string Data = $"{Project}/Data/evaluation";
    private const string Processor = "AMD EPYC with avx2, avx512f, avx512_vnni (X64)";
    private const string Board = "implementer 0x41 part 0xd0b (Arm64), CPUExecutionProvider, measured on 2026-11-17";
    private const string Drift = "mean 0.4486 then and 0.9132 now, deviation 0.2541 and 0.516, 44.5 % outside what calibration saw";

    private static readonly (DiagnosticDescriptor Descriptor, string Cause, string[] Arguments)[] s_all =
    [
        (UnknownValue, "A setting takes one of a few words, and this is another.", ["Precision", "Int9", "Auto, Float32, Float16, Int8, Int4, Int2, Binary"]),
        (NotAQuantity, "A budget or another number is written in a way that can't be read, or lies outside of what makes sense.", ["MaxSize", "lots", "a size above 0 such as 400KB or 64MB"]),
        (ContradictorySettings, "Two settings ask for what can't be had together.", ["Precision=\"Float32\" keeps floating point, Quantization=\"Static\" introduces integers"]),
        (ModelNotFound, "The file that an OptimizedModel item includes does not exist.", [$"{Project}/Models/digit.onnx"]),
        (DataNotFound, "A data set, or another model, that an item names does not exist.", ["CalibrationData", $"{Project}/Data/calib"]),
        (NoCalibrationData, "The technique measures the ranges of activations, or what layers read, on samples.", [Name, "Quantization=\"Static\""]),
        (NotAnSdkProject, "The targets of the package hang on those of Microsoft.NET.Sdk, which this project does not import.", []),
        (DuplicateName, "Artifacts, resources and classes are named after the model, and two files have one name.", [Name, $"{Project}/A/digits.onnx", $"{Project}/B/digits.onnx"]),
        (TargetCannotRun, "Targets names hardware that the build's runtime identifier has not.", [Name, "cpu-arm64", "linux-x64"]),
        (UnknownOverride, "An OptimizedModelTarget item must match a model of the project and a target profile.", ["model", "digit", "digits, letters"]),
        (UnknownMetadata, "MSBuild takes any metadata; this one is nearly a known one.", ["MaxAccuracyDorp", "MaxAccuracyDrop"]),
        (CompressNeedsBrotli, "The generated accessor decompresses with BrotliStream, which the target framework does not have.", [Name, ".NETStandard,Version=v2.0"]),
        (LockUnreadable, "The lock file holds conflict markers, is cut off, lacks a figure, or is of a newer version.", [Lock, "a merge conflict is not resolved"]),
        (NothingExported, "The command succeeded, and wrote to another place.", ["python export.py", $"{Project}/Models/digits.onnx"]),
        (NoOrtFormat, "Format=\"Ort\" asks for a file in ONNX Runtime's own format, and ONNX Runtime writes none of this model, or one that can't be checked.", ["the model in ORT format is laid out in another way than is known"]),
        (PassedThrough, "Nothing that was tried is smaller or faster and keeps the accuracy.", [Name, Target, "static int8 was given up, for it takes 1.14 times the original's time on this machine"]),
        (BudgetUndecided, "The interval of what was measured holds the limit, so that it may be kept, or broken; or nothing could be measured.", ["MaxLatencyRatio", "0.4", $"the optimized model takes 0.391 (between 0.362 and 0.428) of the original's time; 0.4 is allowed (121 pairs, 1 thread, {Processor}). The machine was too noisy; measure on a quieter one"]),
        (FellBack, "The kind of numbers that Auto prefers for the target may not ship, for it is no better than the original or loses too much, so that another form does.", [Name, Target, "static int8", "simplification alone", "it takes 1.14 times the original's time on this machine", "It does not pay on this machine; build on one of those that the app is for, or set ModelMeasurement to Skip, which leaves speed to prediction."]),
        (NotEmbeddable, "What one file can't hold has its weights in a second one, which ONNX Runtime looks for beside the first.", ["llm", "cuda", "it has 3,221,225,472 bytes, and one file can hold 2 GB"]),
        (AccuracyNotMeasured, "Without samples of its own to be judged on, an artifact is known to be good only where nothing was changed that loses accuracy. Else likeness to the original is told, on the calibration samples or on a drawn input.",
            [Name, Target, "the artifact's outputs have a cosine similarity of 0.99987 with the original's on 270 samples of CalibrationData"]),
        (LatencyNotMeasured, "This machine can't run the target, ModelMeasurement is Skip, or another build kept measuring.", [Name, "cpu-arm64", "this machine cannot run cpu-arm64 artifacts"]),
        (StepDidNotApply, "A technique that the project names has nothing in this model that it could change, or can't change it safely.", [Name, Target, "structured pruning", "the model has no channels that can be removed"]),
        (RemoteCacheFailed, "The server that ModelRemoteCache names did not answer, refused, or sent what it should not.", ["https://cache.example.org/models", "it answered GET with 503 (ServiceUnavailable)"]),
        (OutputNotFinite, "The source model itself gives such values, so that nothing made from it can be judged there.", ["scores", "3", "1500", Data]),
        (LargerThanOriginal, "The project names the technique, so that it is carried out though it does not pay.", [Name, Target, "1,402,118", "1,356,679"]),
        (ObeyedAtALoss, "The project names the technique, so that it is carried out though Auto would have given it up.", [Name, Target, "static int8", "Top1 drops by 0.0307 on 1500 samples, more than 0.01"]),
        (SamplesLeftOut, "One such number would make a range or a loss infinite.", [Name, Target, "2", "270", "CalibrationData"]),
        (SlowerThanOriginal, "The project names the technique, so that it is carried out though it does not pay on this processor.", [Name, Target, "1.14 times", "1.13 to 1.15"]),
        (LatencyOfAnotherProcessor, "A limit in milliseconds means one kind of processor, which the lock file names, and the build runs on another.", [Name, Target, $"the optimized model takes 0.41 (between 0.407 and 0.414) ms (518 pairs, 1 thread, AMD EPYC with avx2 (X64)); 0.2 is allowed on the processor that it was set on, {Processor}"]),
        (MeasurementRefused, "A ModelMeasurement item names a file that was written for another artifact, execution provider or architecture, or on a day that is still to come, and no other file is of this artifact.", [Name, "cpu-arm64", "pi4.json", $"it is of the artifact 49c987f50913… ({Board}), and this build made 8be77a01c2d4…", "modelbuild measure cpu-arm64/digits.onnx --baseline digits.onnx --name digits --target cpu-arm64 --output digits.cpu-arm64.json"]),
        (SharedSamples, "The two data sets hold the same samples, or near copies of them.", [Name, Target, "3 of 1503 samples of EvaluationData are in CalibrationData, too, such as '0/a.png' (there '0/odometer-0030.png'), '0/b.png' (there '0/odometer-0060.png'), '0/c.png' (there '0/odometer-0090.png')"]),
        (LabelProblem, "Labels are looked at while the data is read; an accuracy over such labels hides what it should show.", [Name, Target, "class 7 of the model's 10 has no sample, so that nothing is known of it"]),
        (InputDrift, "'modelbuild evaluate' compares new inputs with those that the ranges of activations were taken from.", ["/home/me/new", $"input 'pixels' has a stability index of 2.809, where 0.25 is significant and chance gives 0.012: {Drift}"]),
        (JudgedByLikeness, "Metric is Auto, which takes Cosine where there are no labels, and a budget of accuracy is written.", [Name, Target, "MaxAccuracyDrop"]),
        (NotTriedInRuntime, "Each artifact is run in the version that the project references; the process for it could not be started, took more than two minutes, or could not load that version's library.", [Name, Target, "Microsoft.ML.OnnxRuntime 1.20.1", "the process that runs it there did not end within 120s"]),
        (AccessorCannotRun, "Load and Run are written with the OrtValue interface, which the C# library of ONNX Runtime has from 1.16 on; the artifacts run in older releases, too.", ["1.16", "Microsoft.ML.OnnxRuntime.Managed 1.15.1"]),
        (IntegersNotTaken, "The source was quantized for another runtime: TensorRT's parser refuses zero points other than 0, unsigned integers, biases of int32 and operators that compute in integers themselves.", [Name, "tensorrt", "it takes QuantizeLinear and DequantizeLinear of int8 with zero point 0 only, and 14 of the model's nodes are others, the first of them: QuantizeLinear 'pixels_quantized' with zero point -128"]),
        (NoTrainingData, "Training learns what another model gives for inputs, and needs these.", [Name, "FineTune=\"Distill\""]),
        (TrainedAgain, "The lock file pins what training made. Where nobody kept that, the model is trained again. It comes to other weights on another kind of processor, whose arithmetic rounds otherwise, and on the same where the time limit cut training short.", [Name, Target, "3f1a9f6e1c0d5b62a7c4f4f0f3a5b0f6de1f0c1d6a0e3c0f6b0a1d2c3e4f5a6b", "is not in the cache, and ModelTrainedWeights names no folder"]),
        (SignatureDiffers, "A student takes the model's place, and a teacher is compared with it output by output.", ["Teacher", $"{Project}/Models/teacher.onnx", "its input 'pixels' is Float[batch, 3, 64, 48], the model's is Float[batch, 1, 32, 24]"]),
        (TrainedWeightsUnusable, "A file of the folder that ModelTrainedWeights names was edited, cut off, or merged as text.", [$"{Project}/trained/digits.cpu.3f1a9f6e1c0d5b62.onnx", "its SHA-256 is 9a0e…"]),
        (AccuracyBudget, "The whole interval of the drop, or of the score, lies beyond the limit.", [Name, Target, "Top1 drops by 0.03067 (between 0.02157 and 0.04155) over 1500 samples, from 0.986 to 0.9553 (52 answers lost, 6 won, McNemar's p 3.2e-10); 0.005 is allowed"]),
        (ClassAccuracyBudget, "The whole interval of the drop of one class or slice lies beyond the limit, though the average may not.", [Name, Target, "class 7 loses 0.12 (between 0.07 and 0.18) of its right answers over 150 samples; 0.05 is allowed"]),
        (LatencyBudget, "The whole interval of the latency, or of its ratio to the original, lies above the limit.", [Name, Target, $"the optimized model takes 0.391 (between 0.387 and 0.396) of the original's time; 0.3 is allowed (306 pairs, 1 thread, {Processor})"]),
        (SizeBudget, "The file that ships is larger than allowed.", [Name, Target, "the artifact has 358,496 bytes; 102,400 is allowed"]),
        (MemoryBudget, "Loading and running the artifact in a process of its own took more memory than allowed.", [Name, Target, "loading and running the artifact takes 71,303,168 bytes of memory; 67,108,864 is allowed"]),
        (LockRegression, "Builds compare with the committed lock file even where no budget is written; tolerances and intervals are in docs/LOCK.md.", [Name, Target, Lock, "1,347,927 bytes ship, 358,496 are locked (× 3.76, × 1.01 is tolerated)", Update]),
        (LockOutOfDate, "In locked mode, which continuous integration turns on, a model, its data or its settings must not change without the file.", [Lock, "'digits' for cpu: Precision is \"Float32\"; in the lock file it is not set", Update]),
        (BudgetNotMeasured, "ModelMeasurement=\"Require\" wants every budget decided, and this machine can't measure one.", [Name, "cpu-arm64", "MaxLatencyRatio", "this machine cannot run cpu-arm64 artifacts"]),
        (NothingKeepsTheBudgets, "Precision, Quantization or Pruning is left to Auto, and its search found no form that keeps every budget. The nearest that keeps the accuracy is written, and its broken budgets are errors of their own; this one says what would have to give.",
            [Name, "cpu", "structured pruning 28.1 % + static int8", "MaxSizeRatio", "MaxSizeRatio would have to be 0.1668, which structured pruning 28.1 % + static int8 has"]),
        (WorkerFailed, "The process that works on models crashed, was killed, or left no result. The build went on around it.", ["it ended with exit code 137, and 1 of 1 models have no result", "It wrote nothing to standard error."]),
        (WorkerNotFound, "The package's folder is incomplete, or ModelBuildDotNetHost or ModelBuildWorkerPath names nothing.", ["The .NET host", "/usr/share/dotnet/dotnet"]),
        (CannotWrite, "A disk is full, or a folder is not writable.", [$"{Project}/models.lock.json", $"No space left on device : '{Project}/models.lock.json.3cf21b50682c4ef9941fad015e2b0c2e.tmp'"]),
        (TimedOut, "ModelOptimizationTimeout passed before there was anything to ship; a search that has found something ships the best of it.", ["5min"]),
        (ExportFailed, "The project's own exporter ended with an error.", ["Models/digits.onnx", "2", $"python: can't open file '{Project}/export.py': [Errno 2] No such file or directory"]),
        (NotOnnx, "The file's first bytes are no ONNX model: another format (ORT format among them), an HTML page, or a pointer of Git LFS.", ["it is in ORT format, which can't be read back; name the ONNX model that it was made from"]),
        (ModelTruncated, "The file ends before what it announces does.", ["The ONNX model is cut short or damaged: it ends inside a message"]),
        (ExternalData, "A model with weights in files of their own names one that is not there, lies outside its folder, or is too short.", ["The external data of tensor 'conv1.weight' lies in 'weights.bin', which does not exist beside the model"]),
        (CannotRun, "ONNX Runtime refuses the model: an operator or an opset that it does not know, or shapes that do not fit.", [$"[ErrorCode:InvalidGraph] Load model from {Project}/Models/digits.onnx failed:This is an invalid model. In Node, (\"stem\", Fancy, \"\", -1) : (\"pixels\": tensor(float),\"stem.weight\": tensor(float),) -> (\"stem_output\",) , Error No Op registered for Fancy with domain_version of 17"]),
        (DataDoesNotFit, "A sample has another type or shape than the input that it feeds.", [Data, "input 'pixels' expects Float[batch, 1, 32, 24], a record is UInt8[1, 28, 28]"]),
        (DataUnreadable, "A file of a data set is missing, is cut off, contradicts itself or is of no known format, or its dataset.json is wrong.", [$"{Project}/Data/images.idx.gz", "the header declares UInt8[5000, 1, 28, 28], but the file holds at most 309580 bytes of data"]),
        (MetricDoesNotApply, "The metric needs labels of another kind, or outputs of another shape.", ["Top1", Data, "The metric needs labels, which the data set does not have"]),
        (GraphInvalid, "Nodes read what nobody computes, names are given twice, the graph has a circle, or weights have another size than their shape.", ["Node 'conv2' (Conv) reads 'conv1_output', which nothing produces"]),
        (InputUnreadable, "The system refused to open or read a file.", [Name, $"Access to the path '{Project}/Models/digits.onnx' is denied."]),
        (OutputUndefined, "Comparing with such an output would call anything equal.", ["scores", "1500", Data]),
        (MeasurementUnreadable, "A ModelMeasurement item names a file that is cut off, edited wrongly, or of another version.", ["pi4.json", "character 412 is not what JSON allows there"]),
        (DriftLimit, "'modelbuild evaluate --max-drift' holds new data to a limit.", ["/home/me/new", $"input 'pixels' has a stability index of 2.809, where 0.25 is allowed and chance gives 0.012: {Drift}"]),
        (LimitNotMeasured, "Who asks 'modelbuild evaluate' for a limit asks for an answer; what nothing measured does not pass.", ["digits.onnx", "new", "the data has no labels, and the build measured Top1; add labels, or name what needs none and compares with the original (--metric Cosine, Agreement or SignalToNoise)"]),
        (ResultUnreadable, "'modelbuild report', 'inspect' and 'evaluate' read what a build wrote, and this file is another, or is cut off.", ["App.csproj", "character 0 is not what JSON allows there"]),
        (TensorTooLarge, "Tensors are read in place, as spans, which count in 32 bits. A model may have any number of smaller ones.", ["Tensor 'lm_head.weight' has 2,490,368,000 bytes; a single tensor may have 2,147,483,647"]),
        (CannotPreprocess, "Preprocess puts operators in front of an input, which needs one of its own; an operator set below 7 computes by other rules.", ["'image' is an output as well as an input"]),
        (NeedsNewerRuntime, "A release of ONNX Runtime reads operator sets and formats up to its own, and has its own kernels; docs/TARGETS.md has which.", ["Microsoft.ML.OnnxRuntime 1.16.3", "ONNX Runtime 1.16.3, which the project references, reads operator sets up to 19, and Gelu 'gelu' has the meaning that it has in operator set 20 and later"]),
    ];

    private static readonly Dictionary<string, (string Cause, string Message)> s_byCode = s_all.ToDictionary(
        entry => entry.Descriptor.Code, entry => (entry.Cause, Diagnostic.Create(entry.Descriptor, "", [.. entry.Arguments]).Message));

    /// <summary>Why a code comes, and what it says; null for a code without an example.</summary>
    public static (string Cause, string Message)? Of(DiagnosticDescriptor descriptor) => s_byCode.TryGetValue(descriptor.Code, out var example) ? example : null;
}
