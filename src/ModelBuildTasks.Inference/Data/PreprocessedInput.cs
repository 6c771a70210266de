using System.Globalization;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Data for a model that does itself what descriptions of data sets say of an input: it gets what is stored.</summary>
internal static class PreprocessedInput
{
    /// <summary>What is left to do to stored numbers.</summary>
    /// <param name="stated">What the data set's description says.</param>
    /// <param name="done">What the model does.</param>
    /// <param name="path">The description; null when there is none.</param>
    /// <exception cref="DatasetException">Both say it, and mean another thing: one of them is not how the model was trained.</exception>
    internal static InputDescription Rest(InputDescription stated, InputDescription done, string? path)
    {
        bool resizes = done.Resize is not null || done.ResizeTo is not null;
        (string Field, string? Here, string There)[] both =
        [
            ("scale", stated.Scale is null ? null : Text(stated.Scale.Value), Text(done.Scale?.Value ?? 1)),
            ("mean", Text(stated.Mean), Text(done.Mean) ?? "0"),
            ("std", Text(stated.Std), Text(done.Std) ?? "1"),
            ("color", stated.Color?.ToString(), (done.Color ?? ChannelOrder.Rgb).ToString()),
            // What is about images says nothing of a table.
            ("inputLayout", done.InputLayout is null ? null : stated.InputLayout?.ToString(), done.InputLayout.ToString()!),
            ("elementType", done.ElementType is null ? null : stated.ElementType?.ToString(), done.ElementType.ToString()!),
            .. resizes ? Sizes(stated, done) : [],
        ];
        if (Array.Find(both, field => field.Here is not null && field.Here != field.There) is { Field: { } odd } contradiction)
        {
            throw new DatasetException(DatasetError.Description, path ?? "dataset.json", $"'{odd}' is {contradiction.Here} here, and {contradiction.There} in the model, which does this itself; make them alike, or leave it out here.");
        }

        if (stated.Widths is not null)
        {
            throw new DatasetException(DatasetError.Description, path!, "'widths' clears columns of normalised numbers, and here the model normalises them itself; leave it out, or take Preprocess off the model.");
        }

        return new InputDescription
        {
            Data = stated.Data,
            Columns = stated.Columns,
            Fill = stated.Fill,
            Tokens = stated.Tokens,
            Color = stated.Color == ChannelOrder.Gray ? ChannelOrder.Gray : null,
            // Arrays that say nothing of their axes have those of the model as it was.
            Layout = done.InputLayout is null ? null : stated.Layout ?? done.InputLayout,
            InputLayout = done.InputLayout is null ? null : AxisOrder.Nhwc,
            ImageSize = resizes ? null : stated.ImageSize,
            Resize = resizes ? null : stated.Resize,
            ResizeTo = resizes ? null : stated.ResizeTo,
            Interpolation = resizes ? null : stated.Interpolation,
        };
    }

    private static (string Field, string? Here, string There)[] Sizes(InputDescription stated, InputDescription done) =>
    [
        ("imageSize", stated.ImageSize is null ? null : string.Join(" × ", stated.ImageSize), string.Join(" × ", done.ImageSize ?? [])),
        ("resize", stated.Resize?.ToString(), (done.ResizeTo is null ? done.Resize : ResizeMode.Crop).ToString()!),
        ("resizeTo", stated.ResizeTo?.ToString(CultureInfo.InvariantCulture), done.ResizeTo?.ToString(CultureInfo.InvariantCulture) ?? "none"),
        ("interpolation", stated.Interpolation?.ToString(), (done.Interpolation ?? Interpolation.Bilinear).ToString()),
    ];

    /// <summary>One number for all channels is the same as that number for each.</summary>
    private static string? Text(Channels? channels) => channels is null ? null
        : channels.Values.Distinct().Count() == 1 ? Text(channels.Values[0])
        : $"[{string.Join(", ", channels.Values.Select(Text))}]";

    /// <summary>In single precision, in which the model computes.</summary>
    private static string Text(double number) => ((float)number).ToString(CultureInfo.InvariantCulture);
}
