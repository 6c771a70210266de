using static ModelBuildTasks.Contracts.DiagnosticCatalogue;

namespace ModelBuildTasks.Contracts.Tests;

/// <summary>What docs/DIAGNOSTICS.md tells of each code beside its message: why it comes, and the message as a build says it.</summary>
internal static class DiagnosticExamples
{
    private const string Name = "digits";
    private const string Target = "cpu";
    private const string Lock = "models.lock.json";
    private const string Update = "dotnet build MeterReader.csproj -t:UpdateModelLock";
    private const string Data = "Data/evaluation";

    private static readonly (DiagnosticDescriptor Descriptor, string Cause, string[] Arguments)[] s_all =
    [
        (UnknownValue, "A setting takes one of a few words, and this is another.", ["Precision", "Int9", "Auto, Float32, Float16, Int8, Int4, Int2, Binary"]),
        (NotAQuantity, "A budget or another number is written in a way that can't be read, or lies outside of what makes sense.", ["MaxSize", "lots", "a size such as 400KB, 1.5MB or a number of bytes"]),
        (ContradictorySettings, "Two settings ask for what can't be had together.", ["Precision=\"Float32\" has no integers, and Quantization=\"Static\" introduces them"]),
        (ModelNotFound, "The file that an OptimizedModel item includes does not exist.", ["/home/me/MeterReader/Models/digit.onnx"]),
        (DataNotFound, "A data set that an item names does not exist.", ["CalibrationData", "Data/calib"]),
        (NoCalibrationData, "The technique measures the ranges of activations, or what layers read, on samples.", [Name, "Quantization=\"Static\""]),
        (NotAvailable, "The value is planned, or belongs to another version; nothing is ignored silently.", ["FineTune", "Distill", "; available: None"]),
        (NotAnSdkProject, "The targets of the package hang on those of Microsoft.NET.Sdk, which this project does not import.", []),
        (DuplicateName, "Artifacts, resources and classes are named after the model, and two files have one name.", [Name, "A/digits.onnx", "B/digits.onnx"]),
        (TargetCannotRun, "Targets names hardware that the build's runtime identifier has not.", [Name, "cpu-arm64", "linux-x64"]),
        (UnknownOverride, "An OptimizedModelTarget item must match a model of the project and a target profile.", ["model", "digit", "digits, letters"]),
        (UnknownMetadata, "MSBuild takes any metadata; this one is nearly a known one.", ["MaxAccuracyDorp", "MaxAccuracyDrop"]),
        (CompressNeedsBrotli, "The generated accessor decompresses with BrotliStream, which the target framework does not have.", [Name, "netstandard2.0"]),
        (LockUnreadable, "The lock file holds conflict markers, is cut off, lacks a figure, or is of a newer version.", [Lock, "a merge conflict is not resolved"]),
        (NothingExported, "The command succeeded, and wrote to another place.", ["python export.py", "/home/me/MeterReader/Models/digits.onnx"]),
        (NoOrtFormat, "Format=\"Ort\" asks for a file in ONNX Runtime's own format, and ONNX Runtime writes none of this model.", ["ONNX Runtime can't write it in ORT format: the model has sequences"]),
        (NotEmbeddable, "What one file can't hold has its weights in a second one, which ONNX Runtime looks for beside the first.", ["llm", "cuda", "it has 3,221,225,472 bytes, and one file can hold 2 GB"]),
        (PassedThrough, "Nothing that was tried is smaller or faster and keeps the accuracy.", [Name, Target, "static int8 quantization takes 1.14 times the original's time on this machine"]),
        (BudgetUndecided, "The interval of what was measured holds the limit: it may be kept, or broken.", ["MaxLatencyRatio", "0.4", "the optimized model takes 0.39 (between 0.36 and 0.43) of the original's time; 0.4 is allowed (121 pairs, 1 thread, AMD EPYC (X64)). The machine was too noisy; measure on a quieter one"]),
        (FellBack, "Auto tries recipes from the best down, and this one was no better than the original or lost too much.", [Name, Target, "static int8 quantization", "simplification", "it takes 1.14 times the original's time on this machine", "Measure on the machine that the app runs on, or name a Precision."]),
        (AccuracyNotMeasured, "Likeness to the original was looked at on drawn inputs or calibration samples, which says little about real ones.", [Name, Target]),
        (LatencyNotMeasured, "This machine can't run the target, ModelMeasurement is Skip, or another build kept measuring.", [Name, "cpu-arm64", "this machine cannot run cpu-arm64 artifacts"]),
        (StepDidNotApply, "A technique that the project names has nothing in this model that it could change, or can't change it safely.", [Name, Target, "structured pruning", "none of the channels can be removed, as each is added to the input of the block"]),
        (RemoteCacheFailed, "The server that ModelRemoteCache names did not answer, refused, or sent what it should not.", ["https://cache.example.org/models", "it answered 503 (Service Unavailable)"]),
        (OutputNotFinite, "The source model itself gives such values, so that nothing made from it can be judged there.", ["scores", "3", "1500", Data]),
        (LargerThanOriginal, "The project names the technique, so that it is carried out though it does not pay.", [Name, Target, "1,402,118", "1,356,679"]),
        (ObeyedAtALoss, "The project names the technique, so that it is carried out though Auto would have given it up.", [Name, Target, "static int8 quantization", "Top1 drops by 0.031 (between 0.022 and 0.041) over 1500 samples"]),
        (SamplesLeftOut, "One such number would make a range infinite.", [Name, Target, "2", "270"]),
        (SlowerThanOriginal, "The project names the technique, so that it is carried out though it does not pay on this processor.", [Name, Target, "1.14 times", "between 1.13 and 1.15"]),
        (LatencyOfAnotherProcessor, "A limit in milliseconds means one kind of processor, which the lock file names, and the build runs on another.", [Name, Target, "the optimized model takes 0.41 ms on 'AMD EPYC with avx2 (X64)'; 0.2 ms is allowed, and was set on 'Intel(R) Xeon(R) Processor with avx512_vnni (X64)'"]),
        (MeasurementRefused, "A ModelMeasurement item names a file that was written for another artifact, execution provider or architecture.", [Name, "cpu-arm64", "pi4.json", "it is of the artifact 49c987f50913, and the build made 8be77a01c2d4", "modelbuild measure digits.onnx --output pi4.json"]),
        (SharedSamples, "The two data sets hold the same samples, or near copies of them.", [Name, Target, "12 of 1500 samples of 'Data/evaluation' are in 'Data/calibration', too, such as 'a/017.png'"]),
        (LabelProblem, "Labels are looked at while the data is read; an accuracy over such labels hides what it should show.", [Name, Target, "class 7 of the model's 10 has no sample"]),
        (InputDrift, "'modelbuild evaluate' compares new inputs with those that the ranges of activations were taken from.", ["Data/new", "input 'image', channel 0, has a population stability index of 0.61, where 0.25 is significant"]),
        (JudgedByLikeness, "Metric is Auto, which takes Cosine where there are no labels, and a budget of accuracy is written.", [Name, Target, "MaxAccuracyDrop"]),
        (AccuracyBudget, "The whole interval of the drop, or of the score, lies beyond the limit.", [Name, Target, "Top1 drops by 0.031 (between 0.022 and 0.041) over 1500 samples, from 0.986 to 0.955; 0.005 is allowed"]),
        (ClassAccuracyBudget, "The whole interval of the drop of one class or slice lies beyond the limit, though the average may not.", [Name, Target, "class 7 loses 0.12 (between 0.07 and 0.18) of its right answers over 150 samples; 0.05 is allowed"]),
        (LatencyBudget, "The whole interval of the latency, or of its ratio to the original, lies above the limit.", [Name, Target, "the optimized model takes 0.391 (between 0.387 and 0.396) of the original's time; 0.3 is allowed (306 pairs, 1 thread, AMD EPYC (X64))"]),
        (SizeBudget, "The file that ships is larger than allowed.", [Name, Target, "the artifact has 358,220 bytes; 102,400 is allowed"]),
        (MemoryBudget, "Loading and running the artifact in a process of its own took more memory than allowed.", [Name, Target, "running the artifact takes 71,303,168 bytes of memory at most; 67,108,864 is allowed"]),
        (LockRegression, "Builds compare with the committed lock file even where no budget is written; tolerances and intervals are in docs/LOCK.md.", [Name, Target, Lock, "1,347,927 bytes ship, 358,220 are locked (× 3.763, × 1.01 is tolerated)", Update]),
        (LockOutOfDate, "In locked mode, which continuous integration turns on, a model, its data or its settings must not change without the file.", [Lock, "'digits' for cpu: Precision is \"Float32\"; in the lock file it is not set", Update]),
        (BudgetNotMeasured, "ModelMeasurement=\"Require\" wants every budget decided, and this machine can't measure one.", [Name, "cpu-arm64", "MaxLatencyRatio", "this machine cannot run cpu-arm64 artifacts"]),
        (WorkerFailed, "The process that works on models crashed, was killed, or left no result. The build went on around it.", ["it ended with code 137", "Killed"]),
        (WorkerNotFound, "The package's folder is incomplete, or ModelBuildDotNetHost or ModelBuildWorkerPath names nothing.", ["The .NET host", "/usr/share/dotnet/dotnet"]),
        (CannotWrite, "A disk is full, or a folder is not writable.", ["/home/me/MeterReader/obj/Debug/net10.0/modelbuild/digits.onnx", "No space left on device."]),
        (TimedOut, "ModelOptimizationTimeout passed before the model was done.", ["5min"]),
        (ExportFailed, "The project's own exporter ended with an error.", ["Models/digits.onnx", "1", "ModuleNotFoundError: No module named 'torch'"]),
        (NotOnnx, "The file's first bytes are no ONNX model: another format (ORT format among them), an HTML page, or a pointer of Git LFS.", ["it is a pointer of Git LFS, 132 bytes long"]),
        (ModelTruncated, "A field ends after the file does, or weights are shorter than their shape.", ["the tensor 'conv1.weight' has 1,024 bytes, 4,608 expected"]),
        (ExternalData, "A model with weights in files of their own names one that is not there, lies outside its folder, or is too short.", ["'weights.bin' of the tensor 'conv1.weight' does not exist"]),
        (CannotRun, "ONNX Runtime refuses the model: an operator or an opset that it does not know, or shapes that do not fit.", ["com.example:Fancy(-1) is not a registered function or op"]),
        (DataDoesNotFit, "A sample has another type or shape than the input that it feeds.", [Data, "input 'image' is Float[N, 3, 224, 224], sample 0 has Float[1, 1, 28, 28]"]),
        (DataUnreadable, "A file of a data set is cut off, contradicts itself, or is of no known format.", ["Data/images.idx.gz", "its header says 1,500 images of 32 × 32, and it ends in image 1,020"]),
        (MetricDoesNotApply, "The metric needs labels of another kind, or outputs of another shape.", ["Top1", Data, "it has no labels"]),
        (GraphInvalid, "Nodes read what nobody computes, names are given twice, or the graph has a circle.", ["node 'conv2' reads 'conv1_output', which no node computes"]),
        (InputUnreadable, "The system refused to open or read a file.", ["digits.onnx", "Access to the path is denied."]),
        (OutputUndefined, "Comparing with such an output would call anything equal.", ["scores", "1500", Data]),
        (MeasurementUnreadable, "A ModelMeasurement item names a file that is cut off, edited wrongly, or of another version.", ["pi4.json", "line 7: ',' expected"]),
        (DriftLimit, "'modelbuild evaluate --max-drift' holds new data to a limit.", ["Data/new", "the population stability index is 0.61 in channel 0 of input 'image'; 0.25 is allowed"]),
        (LimitNotMeasured, "Who asks 'modelbuild evaluate' for a limit asks for an answer; what nothing measured does not pass.", ["digits.onnx", "new", "the data has no labels, and the build measured Top1; add labels, or name what needs none and compares with the original (--metric Cosine, Agreement or SignalToNoise)"]),
        (ResultUnreadable, "'modelbuild report', 'inspect' and 'evaluate' read what a build wrote, and this file is another, or is cut off.", ["App.csproj", "line 1: a value expected"]),
        (NeedsNewerRuntime, "A release of ONNX Runtime reads operator sets and formats up to its own, and has its own kernels; docs/TARGETS.md has which.", ["Microsoft.ML.OnnxRuntime 1.16.3", "ONNX Runtime 1.16.3, which the project references, reads operator sets up to 19, and Gelu 'gelu' has the meaning that it has in operator set 20 and later"]),
    ];

    private static readonly Dictionary<string, (string Cause, string Message)> s_byCode = s_all.ToDictionary(
        entry => entry.Descriptor.Code, entry => (entry.Cause, Diagnostic.Create(entry.Descriptor, "", [.. entry.Arguments]).Message));

    /// <summary>Why a code comes, and what it says; null for a code without an example.</summary>
    public static (string Cause, string Message)? Of(DiagnosticDescriptor descriptor) => s_byCode.TryGetValue(descriptor.Code, out var example) ? example : null;
}
