using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Images in one sub-folder per class, or in one folder without labels. Images are decoded ahead, on all cores.</summary>
internal sealed class ImageFolderDataset : Dataset
{
    private readonly InputEncoder encoder;
    private readonly InputDescription settings;
    private readonly Tensor?[] filled;
    private readonly LabelledFile[] images;
    private readonly string[] lists;
    private readonly int channels;
    private readonly int? height;
    private readonly int? width;

    private ImageFolderDataset(string path, InputEncoder encoder, InputDescription settings, Tensor?[] filled, LabelledFile[] images, string[] lists)
    {
        Path = path;
        this.encoder = encoder;
        this.settings = settings;
        this.filled = filled;
        this.images = images;
        this.lists = lists;
        IReadOnlyList<Dimension> shape = encoder.Input.Shape;
        AxisOrder? order = InputEncoder.OrderOf(encoder.Input, settings);
        if (shape.Count is not (3 or 4) || order is null)
        {
            throw DatasetException.DoesNotFit(path, $"holds images, but input '{encoder.Input.Name}' [{string.Join(", ", shape)}] is not seen to be one; state \"inputLayout\" in dataset.json if it is.");
        }

        (int channel, int row, int column) = order == AxisOrder.Nchw ? (3, 2, 1) : (1, 3, 2);
        channels = settings.Color == ChannelOrder.Gray || shape[^channel].Size == 1 ? 1 : 3;
        height = settings.ImageSize?[0] ?? (int?)shape[^row].Size;
        width = settings.ImageSize?[1] ?? (int?)shape[^column].Size;
        if (settings.ResizeTo is { } side && (height is null || width is null || Math.Max(height.Value, width.Value) > side))
        {
            throw new DatasetException(DatasetError.Description, path, $"'resizeTo' is {side} pixels, from which {height?.ToString() ?? "?"} × {width?.ToString() ?? "?"} are to be cut; make it larger, or state \"imageSize\" where the model leaves its size open.");
        }
    }

    public override string Path { get; }

    protected internal override bool IsAlwaysFinite => true;

    public override int Count => images.Length;

    public override bool HasLabels => images[0].Label is not null;

    public override IReadOnlyList<string> Files => [.. images.Select(image => image.Path), .. lists];

    /// <summary>The data set of a folder; null when it holds no images, neither directly nor one level down.</summary>
    /// <exception cref="DatasetException">The model has no image input, or labels cannot be told.</exception>
    internal static ImageFolderDataset? TryOpen(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        string[] direct = Images(path);
        string? list = direct.Length > 0 && description.Labels is { } named ? description.Locate(named, path) : null;
        if (list is null && direct.Length > 0 && Array.Find(Directory.GetDirectories(path), folder => Images(folder).Length > 0) is { } beside)
        {
            throw DatasetException.Corrupt(path, $"holds images in sub-folders, such as '{System.IO.Path.GetFileName(beside)}', and '{System.IO.Path.GetFileName(direct[0])}' in none; all need a class's folder, or none.");
        }

        LabelledFile[] images =
            list is not null ? Listed(path, list, description)
            : direct.Length > 0 ? [.. direct.Select(image => new LabelledFile(image, null))]
            : Classes(path, description);
        if (images.Length == 0)
        {
            return null;
        }

        Tensor?[] filled = [.. inputs.Select(input => description.For(input) is { Fill: { } fill } settings ? new InputEncoder(input, settings).Fill(fill, path) : null)];
        if (filled.Count(tensor => tensor is null) != 1)
        {
            throw DatasetException.DoesNotFit(path, $"a folder of images feeds one input, the model has {inputs.Count}: {string.Join(", ", inputs.Select(input => input.Name))}; in dataset.json \"fill\" can give the others a number.");
        }

        TensorSignature fed = inputs[Array.IndexOf(filled, null)];
        InputDescription settings = description.For(fed);
        string? slices = description.Slices is { } parts ? description.Locate(parts, path) : null;
        images = slices is null ? images : Sliced(path, slices, images);
        return new ImageFolderDataset(path, new InputEncoder(fed, settings), settings, filled, images, [.. new[] { list, slices }.OfType<string>().Distinct()]);
    }

    public override string NameOf(int index) => System.IO.Path.GetRelativePath(Path, images[index].Path).Replace('\\', '/');

    public override IEnumerable<Sample> Read() => Read([.. Enumerable.Range(0, Count)]);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices)
    {
        Queue<Task<Sample>> ahead = new();
        int started = 0;
        for (int done = 0; done < indices.Count; done++)
        {
            while (started < indices.Count && ahead.Count <= Environment.ProcessorCount)
            {
                LabelledFile image = images[indices[started++]];
                ahead.Enqueue(Task.Run(() => Decode(image)));
            }

            yield return ahead.Dequeue().GetAwaiter().GetResult();
        }
    }

    private Sample Decode(LabelledFile image)
    {
        Tensor pixels = ImageDecoder.Decode(image.Path, channels);
        ResizeMode mode = settings.ResizeTo is null ? settings.Resize ?? ResizeMode.Stretch : ResizeMode.Crop;
        pixels = ImageResizer.Resize(
            pixels, height ?? (int)pixels.Dimensions[0], width ?? (int)pixels.Dimensions[1], mode, settings.Interpolation ?? Interpolation.Bilinear, settings.ResizeTo);
        Tensor encoded = encoder.Encode(pixels, image.Path, AxisOrder.Nhwc);
        return new Sample([.. filled.Select(constant => constant ?? encoded)], image.Label is { } label ? Tensor.Scalar(label) : null) { Slice = image.Slice };
    }

    private static LabelledFile[] Classes(string path, DatasetDescription description)
    {
        (string Folder, string[] Images)[] classes =
            [.. Directory.EnumerateDirectories(path).Order(StringComparer.Ordinal).Select(folder => (folder, Images(folder))).Where(found => found.Item2.Length > 0)];
        string[] names = [.. classes.Select(found => System.IO.Path.GetFileName(found.Folder))];
        bool numbered = description.Classes is null && names.All(name => long.TryParse(name, out long number) && number >= 0);
        List<LabelledFile> images = [];
        for (int i = 0; i < names.Length; i++)
        {
            long label = numbered ? long.Parse(names[i])
                : description.Classes is null ? i
                : Labels.ClassOf(names[i], description.Classes) ?? throw DatasetException.DoesNotFit(classes[i].Folder, "the folder is not in \"classes\" of dataset.json.");
            images.AddRange(classes[i].Images.Select(image => new LabelledFile(image, label)));
        }

        return [.. images];
    }

    /// <summary>Images and labels from a CSV list with the columns <c>file</c> and <c>label</c>.</summary>
    private static LabelledFile[] Listed(string path, string list, DatasetDescription description)
    {
        using CsvRows rows = new(list);
        int file = rows.Column("file");
        int label = rows.Column("label");
        int slice = Array.IndexOf(rows.Header, "slice");
        List<LabelledFile> images = [];
        while (rows.Next())
        {
            string image = Located(path, list, rows, file);
            images.Add(new LabelledFile(image, Labels.ClassOf(rows.Text(label), description.Classes)
                ?? throw DatasetException.DoesNotFit(list, $"row {rows.Line}: '{rows.Text(label)}' is neither a class number nor in \"classes\" of dataset.json."))
            {
                Slice = slice < 0 ? null : SliceNames.Of(rows.Text(slice), list),
            });
        }

        return [.. images];
    }

    /// <summary>The images with their slices from a CSV list with the columns <c>file</c> and <c>slice</c>; those that it does not name belong to none.</summary>
    private static LabelledFile[] Sliced(string path, string list, LabelledFile[] images)
    {
        using CsvRows rows = new(list);
        int file = rows.Column("file");
        int slice = rows.Column("slice");
        Dictionary<string, string?> slices = new(StringComparer.Ordinal);
        while (rows.Next())
        {
            slices[Located(path, list, rows, file)] = SliceNames.Of(rows.Text(slice), list);
        }

        return Array.ConvertAll(images, image => image with { Slice = slices.GetValueOrDefault(System.IO.Path.GetFullPath(image.Path)) });
    }

    private static string Located(string path, string list, CsvRows rows, int file)
    {
        string image = System.IO.Path.GetFullPath(System.IO.Path.Combine(path, rows.Text(file)));
        return File.Exists(image) ? image : throw new DatasetException(DatasetError.NotFound, list, $"row {rows.Line}: '{rows.Text(file)}' is not in '{path}'.");
    }

    private static string[] Images(string folder) => [.. Directory.EnumerateFiles(folder).Where(ImageDecoder.HasName).Order(StringComparer.Ordinal)];

    private readonly record struct LabelledFile(string Path, long? Label)
    {
        internal string? Slice { get; init; }
    }
}
