using System.Text;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>
/// Gives a model an If. A model in memory cannot be given new branches, so this writes the node as protobuf and appends it to the model's
/// bytes: messages join when their bytes follow each other (protobuf encoding, "Last One Wins").
/// </summary>
internal static class Branches
{
    /// <summary>Adds If(<paramref name="condition"/>) with one result; each branch is built on the captured float values that it is handed by name.</summary>
    internal static (Model Model, Value Result) AddIf(Model model, string condition, Func<Graph, Func<string, Value>, Value> then, Func<Graph, Func<string, Value>, Value> otherwise)
    {
        byte[] node =
        [
            .. Field(1, condition), .. Field(2, "chosen"), .. Field(4, "If"),
            .. Field(5, Branch(model, "then_branch", then)), .. Field(5, Branch(model, "else_branch", otherwise)),
        ];
        Model whole = Model.Parse((byte[])[.. model.ToBytes(), .. Field(7, Field(1, node))]);
        return (whole, whole.Graph.Find("chosen")!);
    }

    /// <summary>AttributeProto: name = 1, g = 6, type = 20 (GRAPH = 5).</summary>
    private static byte[] Branch(Model model, string name, Func<Graph, Func<string, Value>, Value> build)
    {
        Model branch = Model.Create(name, model.Opset, model.IrVersion);
        Dictionary<string, Value> captured = [];
        branch.Graph.AddOutput(build(branch.Graph, outer => captured.TryGetValue(outer, out Value? known) ? known
            : captured[outer] = branch.Graph.AddInput(outer, new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null))));
        foreach (Value value in branch.Graph.Values.Where(value => !value.IsInput).ToArray())
        {
            // Sibling branches must not share names that are read elsewhere.
            value.Name = $"{name}_{value.Name}";
        }

        return [.. Field(1, name), .. Field(6, [.. WithoutInputs(GraphOf(branch.ToBytes()))]), .. Number(20, 5)];
    }

    private static byte[] GraphOf(byte[] model) => Fields(model).Single(field => field.Number == 7).Content;

    /// <summary>GraphProto: input = 11. A branch reads outer values by name instead. The result's type is left to inference.</summary>
    private static IEnumerable<byte> WithoutInputs(byte[] graph) => Fields(graph).Where(field => field.Number != 11).SelectMany(field => Field(field.Number, field.Content));

    /// <summary>The length-delimited fields of a message.</summary>
    private static IEnumerable<(int Number, byte[] Content)> Fields(byte[] message)
    {
        for (int at = 0; at < message.Length;)
        {
            int tag = Read(message, ref at);
            int length = Read(message, ref at);
            if (tag % 8 == 2)
            {
                yield return (tag / 8, message[at..(at + length)]);
                at += length;
            }
        }
    }

    private static int Read(byte[] message, ref int at)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }
    }

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] content) => [.. Varint((number << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Number(int number, int value) => [.. Varint(number << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value >= 128; value >>= 7)
        {
            yield return (byte)(value | 128);
        }

        yield return (byte)value;
    }
}
