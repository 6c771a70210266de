using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace ModelBuildTasks.Inference;

/// <summary>
/// Which tensors of an operator decide the types of its kernel: a table of files in ORT format, in the order of a hash table that is another in every process (ONNX Runtime,
/// kernel_type_str_resolver.cc). Sorted, the same model gives the same file, which lock files and caches build on.
/// </summary>
internal static class OrtKernelTypes
{
    // Positions of the fields in the schema's tables (ONNX Runtime, core/flatbuffers/schema/ort.fbs).
    private const int SessionModel = 1;
    private const int SessionKernelTypes = 3;
    private const int Name = 0;
    private const int Items = 1;
    private const int ArgumentKind = 0;
    private const int ArgumentIndex = 1;

    /// <summary>Moves the table, sorted, to the end of the file: what refers to it may only point onward.</summary>
    /// <exception cref="InvalidDataException">The file is not laid out as ONNX Runtime writes it.</exception>
    internal static byte[] Sort(byte[] bytes)
    {
        try
        {
            FlatBuffer file = new(bytes);
            if (file.Field(file.Root, SessionKernelTypes) is not { } field)
            {
                return bytes;
            }

            int table = file.Table(file.Root, SessionKernelTypes);
            var operators = Read(file, table, of => Read(file, of, argument => file.Items(argument, Items).Select(item => (Kind: file.Byte(item, ArgumentKind), Index: file.Number(item, ArgumentIndex))).ToList(), Items), 0);
            // The writer of a flat buffer begins at its end: the model came before this table, and the session after it.
            int model = file.Table(file.Root, SessionModel);
            (int start, int end) = (Math.Min(table, file.Fields(table)), Math.Min(model, file.Fields(model)));
            if (start <= file.Root || end <= table)
            {
                throw new FormatException("Its parts are in another order.");
            }

            List<byte> sorted = [.. bytes];
            for (int i = start; i < end; i++)
            {
                sorted[i] = 0;
            }

            new Writer(sorted).Write(field, operators);
            return [.. sorted];
        }
        catch (Exception fault) when (fault is ArgumentOutOfRangeException or OverflowException or FormatException)
        {
            throw new InvalidDataException("The model in ORT format is laid out in another way than is known.", fault);
        }
    }

    private static List<(string Name, T Value)> Read<T>(FlatBuffer file, int table, Func<int, T> value, int index) =>
        [.. file.Items(table, index).Select(item => (Name: file.Text(item, Name), Value: value(item))).OrderBy(item => item.Name, StringComparer.Ordinal)];

    private sealed class Writer(List<byte> output)
    {
        internal void Write(int field, List<(string Name, List<(string Name, List<(byte Kind, int Index)> Arguments)> Types)> operators)
        {
            // Lists of fields: their own length, that of the table, and the offset of each field.
            int ofOne = Fields(6, 8, 4);
            int ofNamed = Fields(8, 12, 4, 8);
            int ofArgument = Fields(8, 12, 8, 4);
            Point(field);
            Int(Align() - ofOne);
            int list = Hole();
            foreach (var (place, (name, types)) in Vector(list, operators))
            {
                foreach (var (inner, (type, arguments)) in Vector(Named(place, ofNamed, name), types))
                {
                    foreach (var (argument, (kind, index)) in Vector(Named(inner, ofNamed, type), arguments))
                    {
                        Point(argument);
                        Int(output.Count - ofArgument);
                        Int(index);
                        Int(kind);
                    }
                }
            }
        }

        /// <summary>A table with a name, and the hole for its vector.</summary>
        private int Named(int place, int fields, string name)
        {
            Point(place);
            Int(output.Count - fields);
            int text = Hole();
            int vector = Hole();
            Point(text);
            byte[] utf8 = Encoding.UTF8.GetBytes(name);
            Int(utf8.Length);
            output.AddRange(utf8);
            output.Add(0);
            Align();
            return vector;
        }

        private List<(int Place, T Item)> Vector<T>(int place, List<T> items)
        {
            Point(place);
            Int(items.Count);
            return [.. items.Select(item => (Hole(), item))];
        }

        private int Fields(params ReadOnlySpan<short> numbers)
        {
            int place = Align();
            foreach (short number in numbers)
            {
                output.Add((byte)number);
                output.Add(0);
            }

            return place;
        }

        private int Hole()
        {
            Int(0);
            return output.Count - sizeof(int);
        }

        /// <summary>Makes a place refer to what comes next.</summary>
        private void Point(int place) => BinaryPrimitives.WriteInt32LittleEndian(CollectionsMarshal.AsSpan(output)[place..], Align() - place);

        private int Align()
        {
            while (output.Count % sizeof(int) != 0)
            {
                output.Add(0);
            }

            return output.Count;
        }

        private void Int(int value)
        {
            Span<byte> four = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(four, value);
            foreach (byte part in four)
            {
                output.Add(part);
            }
        }
    }
}
