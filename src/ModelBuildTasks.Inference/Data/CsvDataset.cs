using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>A CSV table: a row is a sample, and columns are the elements of inputs.</summary>
internal sealed class CsvDataset : Dataset
{
    private static readonly string[] LabelNames = ["label", "labels", "class", "target"];
    private readonly DatasetDescription description;
    private readonly (InputEncoder Encoder, int[] Columns, double Fill)[] inputs;
    private readonly int label;
    private readonly string[] otherLabels;
    private readonly int slice;
    private readonly TextTokenizer? text;
    private readonly int[] textColumns = [];
    private readonly bool labelsAreClasses = true;

    /// <exception cref="DatasetException">A column is missing, a row is malformed, or a label is neither a number nor a known class.</exception>
    internal CsvDataset(string path, IReadOnlyList<TensorSignature> inputs, DatasetDescription description)
    {
        Path = path;
        this.description = description;
        using CsvRows rows = new(path);
        string[] labels = [.. rows.Header.Where(name => LabelNames.Contains(name, StringComparer.OrdinalIgnoreCase) && inputs.All(input => input.Name != name))];
        if (description.Labels is null && labels.Length > 1)
        {
            throw DatasetException.DoesNotFit(path, $"the columns {string.Join(", ", labels)} may all be the label; state in dataset.json which one is, as \"labels\".");
        }

        label = (description.Labels ?? labels.FirstOrDefault()) is { } named ? rows.Column(named) : -1;
        otherLabels = description.Labels is null ? [] : [.. labels.Where(name => name != description.Labels)];
        slice = description.Slices is { } part
            ? rows.Column(part)
            : Array.FindIndex(rows.Header, name => name.Equals("slice", StringComparison.OrdinalIgnoreCase) && inputs.All(input => input.Name != name));
        text = TextTokenizer.For(inputs, description, System.IO.Path.GetDirectoryName(path)!);
        if (text is not null)
        {
            textColumns = [.. new[] { text.Text, text.Pair }.OfType<string>().Select(rows.Column)];
        }

        this.inputs = [.. inputs.Select(input => Bind(input, inputs.Count == 1, rows))];
        while (rows.Next())
        {
            Count++;
            if (label >= 0 && Labels.ClassOf(rows.Text(label), description.Classes) is null)
            {
                labelsAreClasses = description.Classes is null && rows.NumberOrNull(label) is not null
                    ? false
                    : throw DatasetException.DoesNotFit(path, $"line {rows.Line}: the label '{rows.Text(label)}' is neither a number nor in \"classes\" of dataset.json.");
            }
        }
    }

    public override string Path { get; }

    public override int Count { get; }

    public override bool HasLabels => label >= 0;

    public override IReadOnlyList<string> Files => [Path, .. text?.Files ?? []];

    public override IEnumerable<Sample> Read() => Read([.. Enumerable.Range(0, Count)]);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices)
    {
        using CsvRows rows = new(Path);
        int row = -1;
        foreach (int index in indices)
        {
            while (row < index)
            {
                row = rows.Next() ? row + 1 : throw DatasetException.Corrupt(Path, "the file became shorter while it was read.");
            }

            TokenizedText? tokens = text?.Encode(rows.Text(textColumns[0]), textColumns.Length > 1 ? rows.Text(textColumns[1]) : null);
            yield return new Sample([.. inputs.Select(input => Encode(rows, tokens, input.Encoder, input.Columns, input.Fill))], label < 0 ? null : Label(rows))
            {
                Slice = slice < 0 ? null : SliceNames.Of(rows.Text(slice), $"{Path}({rows.Line})"),
            };
        }
    }

    private (InputEncoder Encoder, int[] Columns, double Fill) Bind(TensorSignature input, bool only, CsvRows rows)
    {
        InputDescription settings = description.For(input);
        int[] columns = settings switch
        {
            _ when text is not null && text.Feeds(input.Name) => textColumns,
            { Columns: { } names } => [.. names.Select(rows.Column)],
            { Data: { } name } => [rows.Column(name)],
            { Fill: not null } => [],
            _ when only && otherLabels.Length > 0 =>
                throw DatasetException.DoesNotFit(Path, $"the column {otherLabels[0]} has a name of labels; state in dataset.json which \"columns\" feed input '{input.Name}', with it or without."),
            _ when only => [.. Enumerable.Range(0, rows.Header.Length).Where(column => column != label && column != slice)],
            _ => [rows.Column(input.Name)],
        };
        return (new InputEncoder(input, settings), columns, settings.Fill ?? 0);
    }

    private Tensor Encode(CsvRows rows, TokenizedText? tokens, InputEncoder encoder, int[] columns, double fill)
    {
        if (tokens is not null && tokens.Roles.ContainsKey(encoder.Input.Name))
        {
            return encoder.Encode(tokens.For(encoder.Input.Name), $"{Path}({rows.Line})");
        }

        // Double precision carries every integer up to 2^53, more than a table's numbers need.
        return columns.Length == 0
            ? encoder.Fill(fill, Path)
            : encoder.Encode(Tensor.Vector(Array.ConvertAll(columns, rows.Number)), $"{Path}({rows.Line})");
    }

    private Tensor Label(CsvRows rows) =>
        labelsAreClasses ? Tensor.Scalar(Labels.ClassOf(rows.Text(label), description.Classes)!.Value) : Tensor.Vector((float)rows.Number(label));
}
