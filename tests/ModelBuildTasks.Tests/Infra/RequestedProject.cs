using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests.Infra;

/// <summary>A project whose model digits.onnx, with external data, is requested for cpu.</summary>
internal sealed class RequestedProject : IDisposable
{
    private readonly List<string> _measurements = [];

    public RequestedProject()
    {
        Begin("digits.onnx", OnnxBytes.Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)], ExternalInitializer("w", "digits.bin")));
        Begin("digits.bin", [1, 2, 3]);
        Begin("data/class/a.png", [1]);
        Begin("teacher.onnx", OnnxBytes.Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)], ExternalInitializer("w", "teacher.bin")));
        Begin("teacher.bin", [1]);
        Begin("student.onnx", OnnxBytes.Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)]));
        Begin("training/class/a.png", [1]);
        Begin("worker/modelbuild.dll", [1]);
    }

    /// <summary>The time of the model and its data: older than all that is made of them.</summary>
    public static DateTime LongAgo { get; } = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public TemporaryFolder Folder { get; } = new();

    public BuildEngine Engine { get; } = new();

    public bool IsUpdatingLock { get; set; }

    public string LockFile => Folder.File("models.lock.json");

    public string RequestPath => Folder.File("obj/digits/cpu/digits.request.json");

    public OptimizationRequest Request => OptimizationRequest.Read(RequestPath);

    /// <summary>The metadata of a model that is trained.</summary>
    public (string Name, string Value)[] Training =>
    [
        ("FineTune", "Distill"), ("Teacher", Folder.File("teacher.onnx")), ("Student", Folder.File("student.onnx")), ("TrainingData", Folder.File("training")), ("FineTuneEpochs", "3"),
    ];

    public void Dispose() => Folder.Dispose();

    public void Write(params (string Name, string Value)[] metadata)
    {
        var variant = new TaskItem(Folder.File("obj/digits/cpu/digits.onnx"));
        foreach (var (name, value) in (IEnumerable<(string, string)>)[("ModelPath", Folder.File("digits.onnx")), ("Name", "digits"), ("TargetProfile", "cpu"), .. metadata])
        {
            variant.SetMetadata(name, value);
        }

        new WriteModelRequests
        {
            BuildEngine = Engine,
            Variants = [variant],
            WorkerPath = Folder.File("worker/modelbuild.dll"),
            ProjectFile = Folder.File("app.csproj"),
            Directory = Folder.File("obj"),
            CacheDirectory = "cache",
            TrainedWeights = "trained",
            Measurements = [.. _measurements],
            LockFile = LockFile,
            IsUpdatingLock = IsUpdatingLock,
            OptimizationTimeout = "90s",
        }.Execute();
    }

    /// <summary>Writes a file of another device, and names it as the project's.</summary>
    public void Measure(string file, string model, string target, int runs = 100)
    {
        new DeviceMeasurement
        {
            Model = model, Target = target, Artifact = ContentDigest.OfText("artifact"), Runs = runs,
            Device = new MeasuredDevice { Processor = "Cortex-A76", Architecture = "Arm64", ExecutionProvider = "CPUExecutionProvider" },
        }.Write(Folder.File(file));
        Name(file);
    }

    /// <summary>Names a file as one that another device measured.</summary>
    public void Name(string measurement)
    {
        if (!_measurements.Contains(Folder.File(measurement)))
        {
            _measurements.Add(Folder.File(measurement));
        }
    }

    /// <summary>Makes another byte of a file's last one.</summary>
    public void Change(string input)
    {
        var bytes = File.ReadAllBytes(Folder.File(input));
        bytes[^1]++;
        Folder.Write(input, bytes);
    }

    /// <summary>The artifact and the result that a worker would have made of the request.</summary>
    public string[] Make(string artifact, PinnedRecipe? recipe = null)
    {
        string[] outputs = [Folder.Write("obj/digits/cpu/digits.onnx", [1]), Folder.File("obj/digits/cpu/digits.result.json")];
        new OptimizationResult { Succeeded = true, ArtifactPath = outputs[0], ArtifactSha256 = ContentDigest.OfText(artifact), Pinned = recipe }.Write(outputs[1]);
        return outputs;
    }

    private void Begin(string file, byte[] bytes) => File.SetLastWriteTimeUtc(Folder.Write(file, bytes), LongAgo);
}
