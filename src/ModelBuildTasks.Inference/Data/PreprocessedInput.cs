namespace ModelBuildTasks.Inference.Data;

/// <summary>Data for a model that does itself what descriptions of data sets say of an input: it gets what is stored.</summary>
internal static class PreprocessedInput
{
    /// <summary>What is left to do to stored numbers.</summary>
    /// <param name="stated">What the data set's description says.</param>
    /// <param name="done">What the model does.</param>
    /// <param name="path">The description; null when there is none.</param>
    /// <exception cref="DatasetException">Both say it, and differ: one of them is not how the model was trained.</exception>
    internal static InputDescription Rest(InputDescription stated, InputDescription done, string? path)
    {
        bool resizes = done.Resize is not null || done.ResizeTo is not null;
        Same("scale", stated.Scale?.Value, done.Scale?.Value);
        Same("mean", Text(stated.Mean), Text(done.Mean));
        Same("std", Text(stated.Std), Text(done.Std));
        Same("color", stated.Color, done.Color);
        Same("inputLayout", stated.InputLayout, done.InputLayout);
        Same("elementType", stated.ElementType, done.ElementType);
        if (resizes)
        {
            Same("imageSize", Text(stated.ImageSize), Text(done.ImageSize));
            Same("resize", stated.Resize, done.Resize);
            Same("resizeTo", stated.ResizeTo, done.ResizeTo);
            Same("interpolation", stated.Interpolation, done.Interpolation ?? Interpolation.Bilinear);
        }

        if (stated.Widths is not null)
        {
            throw Contradiction("'widths' clears columns of normalised numbers, and here the model normalises them itself; leave it out, or take Preprocess off the model.");
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

        void Same<T>(string field, T? here, T? there)
        {
            if (here is not null && !here.Equals(there))
            {
                throw Contradiction($"'{field}' is {here} here, and the model's own preprocessing has {there?.ToString() ?? "none"}; make them alike, or leave it out here.");
            }
        }

        DatasetException Contradiction(string message) => new(DatasetError.Description, path ?? "dataset.json", message);
    }

    private static string? Text(Channels? channels) => channels is null ? null : $"[{string.Join(", ", channels.Values)}]";

    private static string? Text(int[]? sides) => sides is null ? null : $"[{string.Join(", ", sides)}]";
}
