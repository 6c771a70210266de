namespace ModelBuildTasks.Inference.Data;

/// <summary>Finds out what a path holds, and its description.</summary>
internal static class DatasetFormats
{
    private const string DescriptionName = "dataset.json";

    internal static Dataset Open(string path, IReadOnlyList<TensorSignature> inputs)
    {
        string full = Path.GetFullPath(path);
        if (!File.Exists(full) && !Directory.Exists(full))
        {
            throw new DatasetException(DatasetError.NotFound, path, "the data set does not exist.");
        }

        if (inputs.Count == 0)
        {
            throw DatasetException.DoesNotFit(path, "the model has no inputs to feed.");
        }

        DatasetDescription description = Describe(full);
        description.RequireInputs(inputs);
        string source = IsDescription(full) || (Directory.Exists(full) && description.Data is not null)
            ? description.Locate(description.Data ?? throw new DatasetException(DatasetError.Description, full, "\"data\" must name the data file or folder."), full)
            : full;
        Dataset opened = Directory.Exists(source) ? OpenFolder(source, inputs, description) : OpenFile(source, inputs, description);
        if (description.Tokenizer is not null && opened is not (CsvDataset or JsonLinesDataset))
        {
            throw new DatasetException(DatasetError.Description, full, "'tokenizer' needs text: a column of .csv, or a property of .jsonl.");
        }

        Dataset dataset = new DescribedDataset(full, Select(WithObjects(opened, description, full), description), description);
        // What does not fit shows in the first sample, before anyone spends time on a model.
        return dataset.Count > 0 && dataset.Read([0]).FirstOrDefault() is not null
            ? dataset
            : throw new DatasetException(DatasetError.Empty, full, "the data set has no samples.");
    }

    private static Dataset WithObjects(Dataset dataset, DatasetDescription description, string path) =>
        description.Detection?.Objects is { } objects ? new ObjectLines(dataset, description.Locate(objects, path)) : dataset;

    private static Dataset Select(Dataset dataset, DatasetDescription description)
    {
        Dataset part = description.Split is { } split
            ? new DatasetSubset(dataset, SampleSelection.Part(dataset.Count, split.From, split.To, description.Seed))
            : dataset;
        return description.Limit is { } limit ? part.Take(limit, description.Seed) : part;
    }

    /// <summary>The description: the path itself, inside the folder, or beside the file under its own name or as <c>dataset.json</c>.</summary>
    private static DatasetDescription Describe(string path)
    {
        if (Directory.Exists(path))
        {
            string inside = Path.Combine(path, DescriptionName);
            return File.Exists(inside) ? DatasetDescription.Load(inside) : new DatasetDescription();
        }

        if (IsDescription(path))
        {
            return DatasetDescription.Load(path);
        }

        if (File.Exists(path + ".json"))
        {
            return DatasetDescription.Load(path + ".json");
        }

        string beside = Path.Combine(Path.GetDirectoryName(path)!, DescriptionName);
        DatasetDescription description = File.Exists(beside) ? DatasetDescription.Load(beside) : new DatasetDescription();
        // A description that is about another file of the folder says nothing of this one.
        return description.Data is null || description.Locate(description.Data, path) == path ? description : new DatasetDescription();
    }

    private static bool IsDescription(string path) => path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && File.Exists(path);

    private static Dataset OpenFolder(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        if (TensorFolderDataset.TryOpen(path, inputs, description) is { } tensors)
        {
            return tensors;
        }

        if (ImageFolderDataset.TryOpen(path, inputs, description) is { } images)
        {
            return images;
        }

        if (inputs.All(input => Source(input, description, path) is not null || description.For(input).Fill is not null))
        {
            return OpenArrays(path, inputs, description);
        }

        string[] files = [.. Directory.EnumerateFiles(path).Where(IsData).Order(StringComparer.Ordinal)];
        IEnumerable<string> named = new[] { description.Labels, description.Slices, description.Widths, description.Detection?.Objects }.OfType<string>().Select(name => description.PathOf(name, path));
        string[] data = [.. files.Except(files.SelectMany(file => new[] { LabelsBeside(file), SlicesBeside(file) }).OfType<string>().Concat(named))];
        return data.Length switch
        {
            1 => OpenFile(data[0], inputs, description),
            0 => throw new DatasetException(DatasetError.UnknownFormat, path, "holds no data of a known format: .npz, .npy, IDX, .csv, .jsonl, images, or test_data_set_* folders."),
            _ => throw new DatasetException(DatasetError.UnknownFormat, path, $"holds several data files ({string.Join(", ", data.Select(Path.GetFileName))}); name one of them, or state \"data\" in dataset.json."),
        };
    }

    private static Dataset OpenFile(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description) => Kind(path) switch
    {
        Format.Csv => new CsvDataset(path, inputs, description),
        Format.JsonLines => new JsonLinesDataset(path, inputs, description),
        Format.NumpyArchive => OpenArchive(path, inputs, description),
        Format.Idx or Format.Numpy => OpenArrays(path, inputs, description),
        _ => throw new DatasetException(DatasetError.UnknownFormat, path, "is of no known format: .npz, .npy, IDX (*-ubyte, *.idx, either with .gz), .csv, .jsonl, or a folder."),
    };

    private static ArrayDataset OpenArchive(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        Dictionary<string, StoredArray> arrays = NumpyFile.OpenArchive(path);
        string labels = description.Labels ?? "labels";
        string slices = description.Slices ?? "slices";
        string[] others = [.. arrays.Keys.Where(name => name != labels && name != slices)];
        ArrayInput[] bound = [.. inputs.Select(input =>
        {
            InputDescription settings = description.For(input);
            string name = settings.Data ?? (inputs.Count == 1 && others.Length == 1 ? others[0] : input.Name);
            StoredArray? array = arrays.GetValueOrDefault(name);
            if (array is null && settings.Fill is null)
            {
                throw DatasetException.DoesNotFit(path, $"there is no array '{name}' for input '{input.Name}'; the arrays are {string.Join(", ", arrays.Keys)}.");
            }

            StoredArray? widths = settings.Widths is { } valid
                ? arrays.GetValueOrDefault(valid) ?? throw DatasetException.DoesNotFit(path, $"there is no array '{valid}' with widths.")
                : null;
            return new ArrayInput(new InputEncoder(input, settings), array, array is null ? null : widths, settings.Fill ?? 0);
        })];
        bool isFed = description.Slices is null && Array.Exists(bound, input => input.Data is not null && input.Data == arrays.GetValueOrDefault(slices));
        return Bound(path, bound, Beside(labels, "labels", description.Labels is not null), isFed ? null : Beside(slices, "slices", description.Slices is not null));

        StoredArray? Beside(string name, string content, bool isNamed) =>
            arrays.GetValueOrDefault(name)
            ?? (isNamed ? throw DatasetException.DoesNotFit(path, $"there is no array '{name}' with {content}; the arrays are {string.Join(", ", arrays.Keys)}.") : null);
    }

    /// <summary>Array files, one for each input: the path itself for the only input, or files that the description names, or <c>name.npy</c> in the folder.</summary>
    private static ArrayDataset OpenArrays(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        string? labels = description.Labels is { } named ? description.Locate(named, Folder(path)) : LabelsBeside(path);
        string? slices = description.Slices is { } parts ? description.Locate(parts, Folder(path))
            : inputs.Any(input => input.Name == "slices") ? null
            : SlicesBeside(path);
        ArrayInput[] bound = [.. inputs.Select(input =>
        {
            InputDescription settings = description.For(input);
            string? file = Source(input, description, path) ?? (inputs.Count == 1 && File.Exists(path) ? path : null);
            if (file is null && settings.Fill is null)
            {
                throw DatasetException.DoesNotFit(path, $"the model has the inputs {string.Join(", ", inputs.Select(other => other.Name))}; state in dataset.json which file feeds '{input.Name}'.");
            }

            StoredArray? widths = settings.Widths is { } valid ? Labels.OpenFile(description.Locate(valid, Folder(path)), null) : null;
            return new ArrayInput(new InputEncoder(input, settings), file is null ? null : OpenArray(file), file is null ? null : widths, settings.Fill ?? 0);
        })];
        return Bound(path, bound, labels is null ? null : Labels.OpenFile(labels, description.Classes), slices is null ? null : SliceNames.OpenFile(slices));
    }

    private static ArrayDataset Bound(string path, ArrayInput[] inputs, StoredArray? labels, StoredArray? slices) =>
        Array.Exists(inputs, input => input.Data is not null)
            ? new ArrayDataset(path, inputs, labels, slices)
            : throw new DatasetException(DatasetError.Description, path, "every input is filled with a constant; at least one needs data.");

    private static StoredArray OpenArray(string path) => Kind(path) switch
    {
        Format.Idx => IdxFile.Open(path),
        Format.Numpy => NumpyFile.Open(path),
        _ => throw new DatasetException(DatasetError.UnknownFormat, path, "an input's own file must be IDX or .npy."),
    };

    private static string? Source(TensorSignature input, DatasetDescription description, string path)
    {
        string byName = Path.Combine(Folder(path), input.Name + ".npy");
        return description.Inputs?.GetValueOrDefault(input.Name)?.Data is { } named ? description.Locate(named, Folder(path))
            : Directory.Exists(path) && File.Exists(byName) ? byName
            : null;
    }

    private static string? LabelsBeside(string path) => Kind(path) == Format.Idx ? IdxFile.LabelsBeside(path) : NumpyBeside(path, "labels.npy");

    private static string? SlicesBeside(string path) => NumpyBeside(path, "slices.npy");

    private static string? NumpyBeside(string path, string name)
    {
        string beside = Path.Combine(Folder(path), name);
        return (Directory.Exists(path) || Kind(path) == Format.Numpy) && File.Exists(beside) && beside != path ? beside : null;
    }

    private static string Folder(string path) => Directory.Exists(path) ? path : Path.GetDirectoryName(path)!;

    private static bool IsData(string path) => Kind(path) != Format.Unknown;

    private static Format Kind(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".NPZ" => Format.NumpyArchive,
        ".NPY" => Format.Numpy,
        ".CSV" => Format.Csv,
        ".JSONL" or ".NDJSON" => Format.JsonLines,
        _ => IdxFile.HasName(path) ? Format.Idx : Format.Unknown,
    };

    private enum Format
    {
        Unknown,
        NumpyArchive,
        Numpy,
        Idx,
        Csv,
        JsonLines,
    }

    /// <summary>A data set under the path that the user gave, with the description among its files.</summary>
    private sealed class DescribedDataset(string path, Dataset data, DatasetDescription description) : Dataset
    {
        public override string Path => path;

        public override int Count => data.Count;

        protected internal override bool IsAlwaysFinite => data.IsAlwaysFinite;

        public override bool HasLabels => data.HasLabels;

        public override Scoring Scoring => description.Scoring;

        public override IReadOnlyList<string> Files =>
            [.. data.Files.Append(description.Path).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

        public override string NameOf(int index) => data.NameOf(index);

        public override IEnumerable<Sample> Read() => data.Read();

        protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices) => data.Read(indices);
    }
}
