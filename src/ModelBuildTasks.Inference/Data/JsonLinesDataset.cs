using System.Text.Json;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>JSON lines: each line is an object with a number or nested arrays of numbers for each input, and a label.</summary>
internal sealed class JsonLinesDataset : Dataset
{
    private const string SliceName = "slice";
    private readonly DatasetDescription description;
    private readonly (InputEncoder Encoder, string Property, double? Fill)[] inputs;
    private readonly string label;
    private readonly string? slice;
    private readonly TextTokenizer? text;
    private readonly bool labelsAreClasses = true;

    /// <exception cref="DatasetException">The file cannot be read.</exception>
    internal JsonLinesDataset(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        Path = path;
        this.description = description;
        label = description.Labels ?? "label";
        text = TextTokenizer.For(inputs, description, System.IO.Path.GetDirectoryName(path)!);
        this.inputs = [.. inputs.Select(input =>
        {
            InputDescription settings = description.For(input);
            return (new InputEncoder(input, settings), settings.Data ?? input.Name, settings.Fill);
        })];
        // What feeds the model names no slice unless the description says that it does.
        bool isFed = this.inputs.Any(input => input.Property == SliceName) || text?.Text == SliceName || text?.Pair == SliceName;
        slice = description.Slices ?? (isFed ? null : SliceName);
        (int? with, int? without) = (null, null);
        foreach ((int number, ReadOnlyMemory<byte> line) in JsonLineReader.Read(path))
        {
            Count++;
            using JsonDocument document = Parse(number, line);
            _ = document.RootElement.TryGetProperty(label, out JsonElement answer) ? with ??= number : without ??= number;
            labelsAreClasses &= answer.ValueKind != JsonValueKind.Number || answer.TryGetInt64(out _);
            if (without is { } bare && (with is not null || description.Labels is not null))
            {
                throw new DatasetException(
                    with is null ? DatasetError.DoesNotFit : DatasetError.Corrupt, $"{path}({bare})",
                    $"there is no property '{label}' with the label{(with is null ? ", which dataset.json names" : $", which line {with} has")}; all lines need one, or none.");
            }
        }

        HasLabels = with is not null;
    }

    public override string Path { get; }

    public override int Count { get; }

    public override bool HasLabels { get; }

    public override IReadOnlyList<string> Files => [Path, .. text?.Files ?? []];

    public override IEnumerable<Sample> Read() => Read([.. Enumerable.Range(0, Count)]);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices)
    {
        int index = 0;
        int next = 0;
        foreach ((int number, ReadOnlyMemory<byte> line) in JsonLineReader.Read(Path))
        {
            if (next == indices.Count)
            {
                yield break;
            }

            if (index++ == indices[next])
            {
                next++;
                yield return ToSample(number, line);
            }
        }
    }

    private Sample ToSample(int number, ReadOnlyMemory<byte> line)
    {
        using JsonDocument document = Parse(number, line);
        JsonElement root = document.RootElement;
        Tensor[] tensors = new Tensor[inputs.Length];
        TokenizedText? tokens = text?.Encode(Text(number, root, text.Text), text.Pair is { } pair ? Text(number, root, pair) : null);
        for (int i = 0; i < tensors.Length; i++)
        {
            (InputEncoder encoder, string property, double? fill) = inputs[i];
            string origin = $"{Path}({number})";
            tensors[i] = tokens is not null && tokens.Roles.ContainsKey(encoder.Input.Name) ? encoder.Encode(tokens.For(encoder.Input.Name), origin)
                : root.TryGetProperty(property, out JsonElement value) ? encoder.Encode(Numbers(number, property, value), origin)
                : fill is { } constant ? encoder.Fill(constant, origin)
                : throw DatasetException.DoesNotFit(origin, $"there is no property '{property}' for input '{encoder.Input.Name}'; found {string.Join(", ", root.EnumerateObject().Select(found => found.Name))}.");
        }

        return new Sample(tensors, HasLabels ? Label(number, root.GetProperty(label)) : null) { Slice = Slice(number, root) };
    }

    private string Text(int number, JsonElement line, string property) =>
        line.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? Characters(number, value)
            : throw DatasetException.DoesNotFit($"{Path}({number})", $"there is no text '{property}' to tokenize; found {string.Join(", ", line.EnumerateObject().Select(found => found.Name))}.");

    private string? Slice(int number, JsonElement line)
    {
        string origin = $"{Path}({number})";
        if (slice is null || !line.TryGetProperty(slice, out JsonElement value))
        {
            return description.Slices is { } named ? throw DatasetException.DoesNotFit(origin, $"there is no property '{named}' with the slice.") : null;
        }

        bool isNumber = value.ValueKind == JsonValueKind.Number;
        return value.ValueKind == JsonValueKind.String || (isNumber && value.TryGetInt64(out _)) ? SliceNames.Of(Characters(number, value), origin)
            : value.ValueKind == JsonValueKind.Null ? null
            : throw DatasetException.DoesNotFit(origin, $"the slice is {(isNumber ? value.GetRawText() : $"a JSON {value.ValueKind}")}, where a text or a whole number is needed.");
    }

    private Tensor Label(int number, JsonElement value) =>
        value.ValueKind == JsonValueKind.String
            ? Tensor.Scalar(Labels.ClassOf(Characters(number, value), description.Classes)
                ?? throw DatasetException.DoesNotFit($"{Path}({number})", $"the label '{value}' is neither a class number nor in \"classes\" of dataset.json."))
            : labelsAreClasses && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long index) ? Tensor.Scalar(index)
            : Labels.From(Numbers(number, label, value), $"{Path}({number})");

    /// <summary>A text; half of a surrogate pair, which JSON can write and no text can hold, is refused.</summary>
    private string Characters(int number, JsonElement value)
    {
        try
        {
            return value.ToString();
        }
        catch (InvalidOperationException exception)
        {
            throw DatasetException.Corrupt($"{Path}({number})", $"a text is not valid UTF-16: {exception.Message}", exception);
        }
    }

    private JsonDocument Parse(int number, ReadOnlyMemory<byte> line)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document
                : throw DatasetException.Corrupt($"{Path}({number})", $"the line is a JSON {document.RootElement.ValueKind}, not an object.");
        }
        catch (JsonException exception)
        {
            throw DatasetException.Corrupt($"{Path}({number})", $"the line is not JSON: {DescriptionFault.WithoutPosition(exception)}", exception);
        }
    }

    /// <summary>Nested arrays of equal lengths as one tensor.</summary>
    private Tensor Numbers(int number, string property, JsonElement value)
    {
        List<long> dimensions = [];
        for (JsonElement level = value; level.ValueKind == JsonValueKind.Array; level = level[0])
        {
            dimensions.Add(level.GetArrayLength());
            if (dimensions[^1] == 0)
            {
                break;
            }
        }

        List<double> numbers = [];
        Collect(value, 0);
        return Tensor.Create([.. dimensions], numbers.ToArray());

        void Collect(JsonElement element, int depth)
        {
            if (element.ValueKind == JsonValueKind.Array && depth < dimensions.Count && element.GetArrayLength() == dimensions[depth])
            {
                foreach (JsonElement inner in element.EnumerateArray())
                {
                    Collect(inner, depth + 1);
                }
            }
            else if (element.ValueKind == JsonValueKind.Number && depth == dimensions.Count)
            {
                numbers.Add(element.GetDouble());
            }
            else
            {
                throw DatasetException.Corrupt($"{Path}({number})", $"'{property}' is not a number or nested arrays of numbers of equal lengths.");
            }
        }
    }
}
