using System.Text.Json;
using System.Text.Json.Serialization;

namespace ModelBuildTasks.Inference.Data;

/// <summary>How stored numbers become an input's numbers: x' = (x · scale − mean) / std. Every field is described in docs/DATA.md.</summary>
internal class InputDescription
{
    /// <summary>Where the input's numbers lie: a file, an array name, or a JSON property, as the format has it.</summary>
    public string? Data { get; init; }

    /// <summary>CSV columns, in the order of the input's elements.</summary>
    public string[]? Columns { get; init; }

    /// <summary>One number that fills the input, which then needs no data.</summary>
    public double? Fill { get; init; }

    public Factor? Scale { get; init; }

    public Channels? Mean { get; init; }

    public Channels? Std { get; init; }

    /// <summary>Channel order that the model expects; stored three-channel data is RGB.</summary>
    public ChannelOrder? Color { get; init; }

    /// <summary>Axis order of stored arrays.</summary>
    public AxisOrder? Layout { get; init; }

    /// <summary>Axis order of the model's input, where its shape does not tell.</summary>
    public AxisOrder? InputLayout { get; init; }

    /// <summary>Height and width, where the model's input does not fix them.</summary>
    public int[]? ImageSize { get; init; }

    public ResizeMode? Resize { get; init; }

    /// <summary>Pixels of the shorter side before the centre is cut out, where it is not the input's own size.</summary>
    public int? ResizeTo { get; init; }

    public Interpolation? Interpolation { get; init; }

    /// <summary>What of a tokenized text feeds the input, where its name does not tell.</summary>
    public TokenRole? Tokens { get; init; }

    /// <summary>A file with one number a sample: columns from there on are set to 0 after normalisation.</summary>
    public string? Widths { get; init; }

    /// <summary>The type of the numbers that a model with <see cref="Preprocessing"/> is given.</summary>
    public GivenType? ElementType { get; init; }

    /// <summary>What is stated of how stored numbers become the input's, as the file names it.</summary>
    [JsonIgnore]
    internal IEnumerable<string> Changes => new (string Field, object? Value)[]
    {
        ("columns", Columns), ("fill", Fill), ("scale", Scale), ("mean", Mean), ("std", Std), ("color", Color), ("layout", Layout), ("inputLayout", InputLayout), ("imageSize", ImageSize),
        ("resize", Resize), ("resizeTo", ResizeTo), ("interpolation", Interpolation), ("tokens", Tokens), ("widths", Widths),
    }.Where(stated => stated.Value is not null).Select(stated => stated.Field);

    /// <summary>This input's settings over those of the whole set.</summary>
    internal InputDescription Or(InputDescription general) => new()
    {
        Data = Data,
        Columns = Columns,
        Fill = Fill,
        Scale = Scale ?? general.Scale,
        Mean = Mean ?? general.Mean,
        Std = Std ?? general.Std,
        Color = Color ?? general.Color,
        Layout = Layout ?? general.Layout,
        InputLayout = InputLayout ?? general.InputLayout,
        ImageSize = ImageSize ?? general.ImageSize,
        Resize = Resize ?? general.Resize,
        ResizeTo = ResizeTo ?? general.ResizeTo,
        Interpolation = Interpolation ?? general.Interpolation,
        Tokens = Tokens,
        Widths = Widths ?? general.Widths,
        ElementType = ElementType ?? general.ElementType,
    };
}

/// <summary>Types of numbers that cameras, microphones and files give.</summary>
public enum GivenType
{
    UInt8,
    UInt16,
    Int16,
    Float,
}

/// <summary>Order of colour channels.</summary>
internal enum ChannelOrder
{
    Rgb,
    Bgr,
    Gray,
}

/// <summary>Order of the axes of images.</summary>
public enum AxisOrder
{
    Nchw,
    Nhwc,
}

/// <summary>How an image comes to the input's size.</summary>
public enum ResizeMode
{
    /// <summary>Height and width are scaled independently.</summary>
    Stretch,

    /// <summary>The image is scaled to cover the input, and its centre is kept.</summary>
    Crop,
}

/// <summary>The filter that an image is resized with; both are antialiased.</summary>
public enum Interpolation
{
    /// <summary>A triangle over the nearest pixels.</summary>
    Bilinear,

    /// <summary>Keys' cubic, which is sharper.</summary>
    Bicubic,
}

/// <summary>A share of the samples: those whose place in the seeded order lies in [from, to).</summary>
internal sealed record SplitRange(double From, double To);

/// <summary>The <c>dataset.json</c> that states what data does not say of itself.</summary>
internal sealed class DatasetDescription : InputDescription
{
    /// <summary>Where labels lie: a file, an array name, a CSV column, or a JSON property.</summary>
    public string? Labels { get; init; }

    /// <summary>Where the slices of samples lie: a file, an array name, a CSV column, or a JSON property.</summary>
    public string? Slices { get; init; }

    /// <summary>How a column or property of text becomes tokens.</summary>
    public TokenizerDescription? Tokenizer { get; init; }

    /// <summary>Class names in the order of the model's outputs.</summary>
    public string[]? Classes { get; init; }

    public int? Limit { get; init; }

    public int Seed { get; init; }

    public SplitRange? Split { get; init; }

    public Averaging? Average { get; init; }

    public int? Positive { get; init; }

    public Detection? Detection { get; init; }

    public Segmentation? Segmentation { get; init; }

    /// <summary>Settings of single inputs, by the input's name.</summary>
    public Dictionary<string, InputDescription>? Inputs { get; init; }

    /// <summary>The description's own file; null when there is none.</summary>
    [JsonIgnore]
    internal string? Path { get; private set; }

    /// <exception cref="DatasetException">The file is not JSON of this form.</exception>
    internal static DatasetDescription Load(string path)
    {
        DatasetDescription description;
        try
        {
            ReadOnlySpan<byte> text = File.ReadAllBytes(path);
            description = JsonSerializer.Deserialize(JsonLineReader.WithoutMark(text), DescriptionJson.Default.DatasetDescription)
                ?? throw new DatasetException(DatasetError.Description, path, "expected a JSON object, found null.");
        }
        catch (JsonException exception)
        {
            throw new DatasetException(DatasetError.Description, path, $"not a valid data set description: {DescriptionFault.Explain(exception)}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(DatasetError.NotFound, path, $"cannot be read: {exception.Message}", exception);
        }

        description.Path = path;
        return description.Fault() is { } fault ? throw new DatasetException(DatasetError.Description, path, $"{fault}.") : description;
    }

    /// <summary>How answers are scored.</summary>
    [JsonIgnore]
    internal Scoring Scoring => new()
    {
        Average = Average, Positive = Positive ?? Scoring.DefaultPositive, ClassNames = Classes ?? [], Detection = Detection, Segmentation = Segmentation,
    };

    /// <summary>The settings of an input; what its model does itself is not among them.</summary>
    /// <exception cref="DatasetException">The model does it in another way.</exception>
    internal InputDescription For(TensorSignature input) => input.Preprocessing is { } done ? PreprocessedInput.Rest(Stated(input.Name), done, Path) : Stated(input.Name);

    /// <summary>What is stated of input <paramref name="name"/>.</summary>
    internal InputDescription Stated(string name) => (Inputs?.GetValueOrDefault(name) ?? new InputDescription()).Or(this);

    /// <exception cref="DatasetException">The description is about an input that the model does not have.</exception>
    internal void RequireInputs(IReadOnlyList<TensorSignature> inputs)
    {
        if (Inputs?.Keys.FirstOrDefault(name => inputs.All(input => input.Name != name)) is { } unknown)
        {
            throw new DatasetException(DatasetError.Description, Path!, $"'inputs' names '{unknown}'; the model's inputs are {string.Join(", ", inputs.Select(input => input.Name))}.");
        }
    }

    /// <summary>A file that the description names, relative to the description's own folder.</summary>
    /// <exception cref="DatasetException">It is not there.</exception>
    internal string Locate(string file, string folder)
    {
        string full = PathOf(file, folder);
        return File.Exists(full) || Directory.Exists(full)
            ? full
            : throw new DatasetException(DatasetError.NotFound, Path ?? folder, $"'{file}' is named here, but '{full}' does not exist.");
    }

    /// <summary>Where a file of that name would be, whether it is there or the name is that of a column or an array.</summary>
    internal string PathOf(string name, string folder) => System.IO.Path.GetFullPath(System.IO.Path.Combine(Path is null ? folder : System.IO.Path.GetDirectoryName(Path)!, name));

    /// <summary>What of it makes no sense; null when all does.</summary>
    internal string? Fault() =>
        Split is { } split && !(split.From >= 0 && split.From < split.To && split.To <= 1) ? "'split' needs 0 <= from < to <= 1"
        : Limit is <= 0 ? "'limit' must be positive"
        : Classes?.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(names => names.Count() > 1) is { } repeated ? $"'classes' names '{repeated.Key}' {repeated.Count()} times; each class needs a name of its own"
        : Tokenizer is not null && TextTokenizer.Fault(Tokenizer) is { } tokens ? tokens
        : Positive is < 0 ? "'positive' is a class index, from 0"
        : Detection is not null && Segmentation is not null ? "'detection' and 'segmentation' exclude each other"
        : Detection is { } detection && !(IsShare(detection.Suppression) && IsShare(detection.Overlap)) ? "'detection.suppression' and 'detection.overlap' are above 0 and at most 1"
        : Inputs?.FirstOrDefault(input => input.Value is null).Key is { } empty ? $"'inputs.{empty}' is null; it is an object"
        : (Inputs?.Values ?? Enumerable.Empty<InputDescription>()).Append(this).Select(Fault).FirstOrDefault(found => found is not null);

    private static bool IsShare(double? value) => value is null or (> 0 and <= 1);

    private static string? Fault(InputDescription input) =>
        input.ImageSize is { } size && !(size.Length == 2 && size.All(side => side is > 0 and <= ImageDecoder.MaxSide)) ? $"'imageSize' is [height, width], each from 1 to {ImageDecoder.MaxSide}"
        : input.ResizeTo is { } side && side is <= 0 or > ImageDecoder.MaxSide ? $"'resizeTo' is a number of pixels from 1 to {ImageDecoder.MaxSide}"
        : input is { ResizeTo: not null, Resize: ResizeMode.Stretch } ? "'resizeTo' scales the shorter side and cuts out the centre; it contradicts 'resize' Stretch"
        : input.Std is { } std && std.Values.Any(value => value == 0) ? "'std' must not be 0"
        : null;
}
