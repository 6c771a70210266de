using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// ONNX test data: folders <c>test_data_set_N</c> with <c>input_I.pb</c> and <c>output_I.pb</c>, each one serialized TensorProto
/// (onnx/backend/test). A folder is a sample; its first output is the label. Tensors are whole, batch axis included.
/// </summary>
internal sealed class TensorFolderDataset : Dataset
{
    private const string Prefix = "test_data_set_";

    // Sizes and element types aside, protobuf cannot parse more than this (Google.Protobuf, MessageParser).
    private const long LargestMessage = int.MaxValue;
    private readonly InputEncoder[] inputs;
    private readonly string[] folders;

    private TensorFolderDataset(string path, string[] folders, IReadOnlyList<TensorSignature> inputs)
    {
        Path = path;
        this.folders = folders;
        this.inputs = [.. inputs.Select(input => new InputEncoder(input, new InputDescription()))];
        ILookup<bool, string> labelled = folders.ToLookup(folder => File.Exists(Output(folder)), folder => System.IO.Path.GetFileName(folder));
        HasLabels = labelled[true].Any();
        if (HasLabels && labelled[false].FirstOrDefault() is { } bare)
        {
            throw DatasetException.Corrupt(path, $"'{bare}' has no output_0.pb, which '{labelled[true].First()}' has; all folders need one, or none.");
        }
    }

    public override string Path { get; }

    public override int Count => folders.Length;

    public override bool HasLabels { get; }

    public override IReadOnlyList<string> Files => [.. folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.pb"))];

    /// <summary>The data set of a folder; null when it holds no such tensors.</summary>
    /// <exception cref="DatasetException">The description would change the tensors, or labels are missing in some folders.</exception>
    internal static TensorFolderDataset? TryOpen(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        string[] folders = File.Exists(System.IO.Path.Combine(path, "input_0.pb"))
            ? [path]
            : [.. Directory.EnumerateDirectories(path, Prefix + "*").OrderBy(Number).ThenBy(folder => folder, StringComparer.Ordinal)];
        if (folders.Length == 0)
        {
            return null;
        }

        string[] stated =
        [
            .. description.Changes, .. (description.Inputs ?? []).Values.SelectMany(input => input.Data is null ? input.Changes : input.Changes.Append("data")),
            .. description.Labels is null ? [] : new[] { "labels" }, .. description.Slices is null ? [] : new[] { "slices" },
        ];
        return stated.Length == 0
            ? new TensorFolderDataset(path, folders, inputs)
            : throw new DatasetException(
                DatasetError.Description, description.Path!, $"{string.Join(", ", stated.Distinct().Select(field => $"'{field}'"))} cannot be applied to test_data_set_* folders, whose tensors are the model's inputs and outputs as they are.");
    }

    public override string NameOf(int index) => System.IO.Path.GetFileName(folders[index]);

    public override IEnumerable<Sample> Read() => Read([.. Enumerable.Range(0, Count)]);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices) => indices.Select(index => Load(folders[index]));

    private Sample Load(string folder) =>
        new(
            [.. inputs.Select((input, i) =>
            {
                string file = System.IO.Path.Combine(folder, $"input_{i}.pb");
                return File.Exists(file)
                    ? input.EncodeWhole(Parse(file), file)
                    : throw DatasetException.DoesNotFit(folder, $"input_{i}.pb for input '{input.Input.Name}' is missing.");
            })],
            HasLabels ? Labels.From(Parse(Output(folder)), Output(folder)) : null);

    private static Tensor Parse(string file)
    {
        try
        {
            return new FileInfo(file).Length <= LargestMessage
                ? Tensor.Parse(File.ReadAllBytes(file))
                : throw DatasetException.Corrupt(file, "the file is larger than 2 GiB.");
        }
        catch (ModelFormatException exception)
        {
            throw DatasetException.Corrupt(file, exception.Message, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(DatasetError.NotFound, file, $"cannot be opened: {exception.Message}", exception);
        }
    }

    private static string Output(string folder) => System.IO.Path.Combine(folder, "output_0.pb");

    private static int Number(string folder) =>
        int.TryParse(System.IO.Path.GetFileName(folder)[Prefix.Length..], out int number) ? number : int.MaxValue;
}
