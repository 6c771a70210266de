using System.Text.Json;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// A data set with the objects of each sample from a JSON lines file, line for line: an array of objects, each an array of four box numbers and a class.
/// The label is a tensor [objects, 5].
/// </summary>
internal sealed class ObjectLines : Dataset
{
    private const int NumbersOfAnObject = 5;
    private readonly Dataset data;
    private readonly string objects;

    /// <exception cref="DatasetException">The file cannot be read, or has another number of lines than there are samples.</exception>
    internal ObjectLines(Dataset data, string objects)
    {
        this.data = data;
        this.objects = objects;
        int lines = JsonLineReader.Read(objects).Count();
        if (lines != data.Count)
        {
            throw DatasetException.Corrupt(objects, $"holds the objects of {lines} samples, one a line; '{data.Path}' has {data.Count} samples.");
        }
    }

    public override string Path => data.Path;

    public override int Count => data.Count;

    public override bool HasLabels => true;

    public override IReadOnlyList<string> Files => [.. data.Files, objects];

    protected internal override bool IsAlwaysFinite => data.IsAlwaysFinite;

    public override string NameOf(int index) => data.NameOf(index);

    public override IEnumerable<Sample> Read() => Labelled(data.Read(), [.. Enumerable.Range(0, Count)]);

    protected internal override IEnumerable<Sample> Read(IReadOnlyList<int> indices) => Labelled(data.Read(indices), indices);

    private IEnumerable<Sample> Labelled(IEnumerable<Sample> samples, IReadOnlyList<int> indices)
    {
        using IEnumerator<(int Number, ReadOnlyMemory<byte> Line)> lines = JsonLineReader.Read(objects).GetEnumerator();
        int line = -1;
        int next = 0;
        foreach (Sample sample in samples)
        {
            for (; line < indices[next]; line++)
            {
                if (!lines.MoveNext())
                {
                    throw DatasetException.Corrupt(objects, "the file became shorter while it was read.");
                }
            }

            next++;
            yield return sample with { Label = Parse(lines.Current.Number, lines.Current.Line) };
        }
    }

    private Tensor Parse(int number, ReadOnlyMemory<byte> line)
    {
        List<float> numbers = [];
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            foreach (JsonElement found in document.RootElement.EnumerateArray())
            {
                if (found.GetArrayLength() != NumbersOfAnObject)
                {
                    throw DatasetException.Corrupt($"{objects}({number})", $"an object has {found.GetArrayLength()} numbers; expected are {NumbersOfAnObject}, four of the box and the class index.");
                }

                numbers.AddRange(found.EnumerateArray().Select(value => value.GetSingle()));
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw DatasetException.Corrupt($"{objects}({number})", "the line is not an array of objects, each an array of four box numbers and a class index.", exception);
        }

        return Tensor.Create([numbers.Count / NumbersOfAnObject, NumbersOfAnObject], numbers.ToArray());
    }
}
