using System.Text.Json;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>How an image of any size comes to a model's.</summary>
/// <param name="Height">Rows of the result.</param>
/// <param name="Width">Columns of the result.</param>
/// <param name="Mode">Whether the shape may change, or what juts out is cut off evenly.</param>
/// <param name="ShorterSide">With <see cref="ResizeMode.Crop"/>: the shorter side before cutting; null scales to cover the result.</param>
/// <param name="Interpolation">The filter.</param>
public sealed record Resizing(int Height, int Width, ResizeMode Mode, int? ShorterSide, Interpolation Interpolation);

/// <summary>
/// What is to be done to what an app has (the bytes of an image, most often) so that one input of a model takes it: the fields of <c>dataset.json</c> that turn stored numbers
/// into the model's, docs/PREPROCESSING.md.
/// </summary>
public sealed class Preprocessing
{
    /// <summary>The entry of a model's metadata that says what the model does itself.</summary>
    public const string MetadataKey = "modelbuild-preprocessing";

    private const int ImageChannels = 3;

    private readonly InputDescription description;

    private Preprocessing(TensorSignature input, InputDescription description, string path)
    {
        this.description = description;
        Input = input;
        Order = OrderOf(input, description);
        GivenType = description.ElementType ?? (Order is null ? null : Data.GivenType.UInt8);
        Channels = Order is null ? (input.Shape.Count is 1 or 2 ? input.Shape[^1].Size : null) : input.Shape[^(Order == AxisOrder.Nchw ? 3 : 1)].Size;
        Factors = [.. Enumerable.Range(0, Math.Max(Count(description.Mean), Count(description.Std))).Select(channel => (description.Scale?.Value ?? 1) / Of(description.Std, channel, 1))];
        Offsets = [.. Enumerable.Range(0, Factors.Count).Select(channel => -Of(description.Mean, channel, 0) / Of(description.Std, channel, 1))];
        if (Fault() is { } fault)
        {
            throw new DatasetException(DatasetError.Description, path, $"input '{input.Name}' [{string.Join(", ", input.Shape)}]: {fault}.");
        }
    }

    /// <summary>The input as the model's own operators take it.</summary>
    public TensorSignature Input { get; }

    /// <summary>The order of its axes; null when it is no image.</summary>
    public AxisOrder? Order { get; }

    /// <summary>The type of what is given; null for the input's own.</summary>
    public GivenType? GivenType { get; }

    /// <summary>Whether the model expects blue, green, red; red, green, blue are given.</summary>
    public bool IsReversed => description.Color == ChannelOrder.Bgr;

    /// <summary>x' = x · factor + offset: one factor, or one a channel in the model's order.</summary>
    public IReadOnlyList<double> Factors { get; }

    /// <summary>As many as <see cref="Factors"/>.</summary>
    public IReadOnlyList<double> Offsets { get; }

    /// <summary>How an image comes to the input's size; null where it must have it.</summary>
    public Resizing? Resizing => !IsResized ? null : new Resizing(
        Height!.Value, Width!.Value, description.ResizeTo is null ? description.Resize!.Value : ResizeMode.Crop, description.ResizeTo, description.Interpolation ?? Interpolation.Bilinear);

    private long? Channels { get; }

    private bool IsResized => description.Resize is not null || description.ResizeTo is not null;

    private int? Height => description.ImageSize?[0] ?? (int?)Input.Shape[^(Order == AxisOrder.Nchw ? 2 : 3)].Size;

    private int? Width => description.ImageSize?[1] ?? (int?)Input.Shape[^(Order == AxisOrder.Nchw ? 1 : 2)].Size;

    /// <summary>What a description wants done to the inputs of a model.</summary>
    /// <param name="path">A <c>dataset.json</c>.</param>
    /// <param name="inputs">The model's inputs.</param>
    /// <returns>At least one.</returns>
    /// <exception cref="DatasetException">The description cannot be read, is about another model, wants what a graph cannot do, or nothing at all.</exception>
    public static IReadOnlyList<Preprocessing> Load(string path, IReadOnlyList<TensorSignature> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        DatasetDescription description = DatasetDescription.Load(path);
        description.RequireInputs(inputs);
        Preprocessing[] wanted = [.. inputs.Where(input => IsWanted(input, description, path)).Select(input => new Preprocessing(input, description.Stated(input.Name), path))];
        return wanted.Length > 0 ? wanted : throw new DatasetException(
            DatasetError.Description, path, $"states no 'scale', 'mean', 'std', 'color', 'resize' or 'resizeTo' for an input of numbers, so that there is nothing to put in front of the model; its inputs are {string.Join(", ", inputs)}.");
    }

    /// <summary>What goes into the metadata of a model that does this, under <see cref="MetadataKey"/>.</summary>
    public static string ToMetadata(IEnumerable<Preprocessing> done) =>
        JsonSerializer.Serialize(new DatasetDescription { Inputs = done.ToDictionary(input => input.Input.Name, input => input.Done) }, DescriptionJson.Default.DatasetDescription);

    /// <summary>What a model says that it does, by the names of its inputs.</summary>
    /// <exception cref="JsonException">It is not what <see cref="ToMetadata"/> writes.</exception>
    internal static IReadOnlyDictionary<string, InputDescription> FromMetadata(string text)
    {
        DatasetDescription? description = JsonSerializer.Deserialize(text, DescriptionJson.Default.DatasetDescription);
        return description?.Fault() is { } fault ? throw new JsonException($"{fault}.") : description?.Inputs ?? throw new JsonException("there is no 'inputs'.");
    }

    private InputDescription Done => new()
    {
        Scale = description.Scale,
        Mean = description.Mean,
        Std = description.Std,
        Color = description.Color,
        InputLayout = Order,
        ImageSize = IsResized ? [Height!.Value, Width!.Value] : null,
        Resize = description.Resize,
        ResizeTo = description.ResizeTo,
        Interpolation = IsResized ? description.Interpolation : null,
        ElementType = GivenType,
    };

    /// <summary>Statements about all inputs are not about token ids; one about a certain input is.</summary>
    private static bool IsWanted(TensorSignature input, DatasetDescription description, string path)
    {
        InputDescription stated = description.Stated(input.Name);
        if (stated is { Scale: null, Mean: null, Std: null, Color: null, Resize: null, ResizeTo: null } || stated.Fill is not null)
        {
            return false;
        }

        return input.ElementType.IsFloatingPoint() || (description.Inputs?.ContainsKey(input.Name) == true
            ? throw new DatasetException(DatasetError.Description, path, $"input '{input.Name}' takes {input.ElementType}; what is put in front of a model gives floating point numbers.")
            : false);
    }

    /// <summary>Three axes may be a sequence, and are an image only where that is said.</summary>
    private static AxisOrder? OrderOf(TensorSignature input, InputDescription description) =>
        input.Shape.Count == 4 || (input.Shape.Count == 3 && description.InputLayout is not null) ? InputEncoder.OrderOf(input, description) : null;

    private string? Fault()
    {
        int perChannel = Math.Max(Count(description.Mean), Count(description.Std));
        if (description.Widths is not null)
        {
            return "'widths' says where each sample of a data set ends, which a graph is not told";
        }

        if (Order is null && (IsResized || IsReversed || (perChannel > 1 && Input.Shape.Count > 2)))
        {
            return "its shape does not show whether it is an image NCHW or NHWC; state \"inputLayout\"";
        }

        if (Count(description.Mean) > 1 && Count(description.Std) > 1 && Count(description.Mean) != Count(description.Std))
        {
            return $"'mean' has {Count(description.Mean)} numbers, 'std' has {Count(description.Std)}";
        }

        if (!Factors.Zip(Offsets).All(pair => float.IsNormal((float)pair.First) && float.IsFinite((float)pair.Second)))
        {
            return "'scale', 'mean' and 'std' leave no numbers of single precision";
        }

        return FaultOfChannels(perChannel) ?? (IsResized ? FaultOfSize() : null);
    }

    private string? FaultOfChannels(int perChannel) =>
        Channels is not { } channels ? null
        : perChannel > 1 && channels != perChannel ? $"'mean' or 'std' has {perChannel} numbers, and it has {channels} channels"
        : Order is not null && description.InputLayout is not null && channels is not (1 or ImageChannels) && Input.Shape[^(Order == AxisOrder.Nchw ? 1 : 3)].Size is 1 or ImageChannels
            ? $"'inputLayout' is {Order}, which would be {channels} channels; the other order has 1 or {ImageChannels}"
        : IsReversed && channels != ImageChannels ? $"'color' is Bgr, and it has {channels} channels"
        : description.Color == ChannelOrder.Gray && channels != 1 ? $"'color' is Gray, and it has {channels} channels"
        : null;

    private string? FaultOfSize()
    {
        (Dimension height, Dimension width) = Order == AxisOrder.Nchw ? (Input.Shape[^2], Input.Shape[^1]) : (Input.Shape[^3], Input.Shape[^2]);
        return Height is not { } rows || Width is not { } columns ? "it leaves its size open; state \"imageSize\", to which images are resized"
            : (height.Size ?? rows) != rows || (width.Size ?? columns) != columns ? $"'imageSize' is {rows} × {columns}, and the model fixes {height} × {width}; leave it out"
            : GivenType != Data.GivenType.UInt8 ? "images are resized in 8 bits; leave \"elementType\" out"
            : description.ResizeTo is { } side && Math.Max(rows, columns) > side ? $"'resizeTo' is {side} pixels, from which {rows} × {columns} are to be cut; make it larger"
            : null;
    }

    private static int Count(Channels? channels) => channels?.Values.Length ?? 1;

    private static double Of(Channels? channels, int index, double none) => channels is null ? none : channels.Values[Math.Min(index, channels.Values.Length - 1)];
}
