using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Arrays read in step, one for each input, with labels, slices and valid widths beside them. Serves IDX, <c>.npy</c> and <c>.npz</c>.</summary>
internal sealed class ArrayDataset : Dataset
{
    private readonly ArrayInput[] inputs;
    private readonly StoredArray? labels;
    private readonly StoredArray? slices;
    private readonly string[] files;

    /// <exception cref="DatasetException">The arrays do not hold equally many records, or texts where numbers belong.</exception>
    internal ArrayDataset(string path, ArrayInput[] inputs, StoredArray? labels, StoredArray? slices)
    {
        Path = path;
        this.inputs = inputs;
        this.labels = labels;
        this.slices = slices;
        StoredArray[] numbers = [.. inputs.SelectMany(input => new[] { input.Data, input.Widths }).Append(labels).OfType<StoredArray>()];
        if (Array.Find(numbers, array => array.IsText) is { } text)
        {
            throw DatasetException.DoesNotFit(text.Name, "holds texts, where numbers are needed.");
        }

        StoredArray[] arrays = [.. numbers, .. slices is null ? [] : new[] { slices }];
        Count = arrays[0].Count;
        files = Array.ConvertAll(arrays, array => array.File);
        if (Array.Find(arrays, array => array.Count != Count) is { } odd)
        {
            throw DatasetException.Corrupt(odd.Name, $"holds {odd.Count} records, '{arrays[0].Name}' holds {Count}.");
        }
    }

    public override string Path { get; }

    public override int Count { get; }

    public override bool HasLabels => labels is not null;

    public override IReadOnlyList<string> Files => files;

    public override IEnumerable<Sample> Read() => Read([.. Enumerable.Range(0, Count)]);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices)
    {
        List<StoredArray.Reader> readers = [];
        try
        {
            StoredArray.Reader? Open(StoredArray? array)
            {
                if (array is not null)
                {
                    readers.Add(array.Open());
                }

                return array is null ? null : readers[^1];
            }

            (StoredArray.Reader? Data, StoredArray.Reader? Widths)[] sources = [.. inputs.Select(input => (Open(input.Data), Open(input.Widths)))];
            StoredArray.Reader? answers = Open(labels);
            StoredArray.Reader? parts = Open(slices);
            foreach (int index in indices)
            {
                Tensor[] tensors = new Tensor[inputs.Length];
                for (int i = 0; i < tensors.Length; i++)
                {
                    tensors[i] = inputs[i].Encode(sources[i].Data?.Read(index), sources[i].Widths?.Read(index));
                }

                yield return new Sample(tensors, answers is null ? null : Labels.From(answers.Read(index), labels!.Name))
                {
                    Slice = parts is null ? null : SliceNames.Of(slices!, parts.Read(index)),
                };
            }
        }
        finally
        {
            readers.ForEach(reader => reader.Dispose());
        }
    }
}

/// <summary>One input with the arrays that it is read from; without data it is filled with one number.</summary>
internal sealed record ArrayInput(InputEncoder Encoder, StoredArray? Data, StoredArray? Widths, double Fill)
{
    internal Tensor Encode(Tensor? record, Tensor? width) =>
        record is null
            ? Encoder.Fill(Fill, "dataset.json")
            : Encoder.Encode(record, Data!.Name, validWidth: width is null ? null : (int)ElementCast.To(ElementType.Int64, width).Span<long>()[0]);
}
