using System.Globalization;
using CsvHelper;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// Rows of a CSV file whose first row names the columns; the separator is found from the text. Numbers have a decimal point, or, between semicolons, all a decimal comma; none has separators
/// of thousands, because 1,234 means 1234 to some and 1.234 to others.
/// </summary>
internal sealed class CsvRows : IDisposable
{
    // One row; keeps a file without line ends from being taken into memory whole.
    private const int LargestRow = 64 << 20;
    private const string Advice = "; separators of thousands are not read, and a decimal comma only in files whose columns are separated by ';'";
    private readonly string path;
    private readonly CsvReader reader;

    /// <summary>Line of the first number with a decimal point, and of the first with a decimal comma; null for none yet.</summary>
    private (long? Point, long? Comma) decimals;

    /// <exception cref="DatasetException">The file cannot be opened or has no header.</exception>
    internal CsvRows(string path)
    {
        this.path = path;
        reader = CsvReader.Create(StoredArray.OpenFile(path, out _), new CsvReaderOptions
        {
            TrimWhitespace = true,
            MaxRecordSize = LargestRow,
            TrackLineNumbers = true,
            MalformedData = CsvMalformedDataHandling.Throw,
        });
        try
        {
            Header = Guard(() =>
            {
                reader.ReadHeader();
                return reader.Headers.ToArray();
            });
            if (Header.Length == 0)
            {
                throw new DatasetException(DatasetError.Empty, path, "the file is empty; a header with column names was expected.");
            }

            if (Header.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(columns => columns.Count() > 1) is { } repeated)
            {
                throw DatasetException.Corrupt(path, $"the header names {repeated.Count()} columns '{repeated.Key}'; each needs a name of its own.");
            }
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    internal string[] Header { get; }

    /// <summary>Line of the file on which the current row starts, from 1.</summary>
    internal long Line => reader.LineNumber;

    /// <summary>Moves to the next row; false at the end.</summary>
    /// <exception cref="DatasetException">The row is malformed, or has another number of fields than the header.</exception>
    internal bool Next()
    {
        bool found = Guard(reader.Read);
        return !found || reader.FieldCount == Header.Length
            ? found
            : throw DatasetException.Corrupt(path, $"line {Line} has {reader.FieldCount} fields, the header has {Header.Length}.");
    }

    /// <summary>The place of a column.</summary>
    /// <exception cref="DatasetException">There is none of that name.</exception>
    internal int Column(string name)
    {
        int place = Array.IndexOf(Header, name);
        return place >= 0 ? place : throw DatasetException.DoesNotFit(path, $"there is no column '{name}'; the columns are {string.Join(", ", Header)}.");
    }

    internal string Text(int column) => reader.GetString(column);

    /// <summary>A field as a number; null when it is none.</summary>
    /// <exception cref="DatasetException">It has a decimal point where the file has decimal commas, or the other way round.</exception>
    internal double? NumberOrNull(int column)
    {
        string text = Text(column);
        bool hasComma = reader.Separator == ';' && text.Contains(',');
        bool hasPoint = text.Contains('.');
        if ((hasComma && hasPoint) || !double.TryParse(hasComma ? text.Replace(',', '.') : text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
        {
            return null;
        }

        decimals = (hasPoint ? decimals.Point ?? Line : decimals.Point, hasComma ? decimals.Comma ?? Line : decimals.Comma);
        return decimals is not { Point: { } point, Comma: { } comma }
            ? number
            : throw DatasetException.Corrupt(path, $"line {Line}, column '{Header[column]}': '{text}' has a decimal {(hasComma ? $"comma, as opposed to line {point}" : $"point, where line {comma} has a decimal comma")}; numbers of one file need the same.");
    }

    /// <summary>A field as a number.</summary>
    /// <exception cref="DatasetException">It is none.</exception>
    internal double Number(int column) =>
        NumberOrNull(column) ?? throw DatasetException.Corrupt(path, $"line {Line}, column '{Header[column]}': '{Text(column)}' is not a number{(Text(column).Contains(',') ? Advice : "")}.");

    public void Dispose() => reader.Dispose();

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is CsvFormatException or InvalidDataException)
        {
            throw DatasetException.Corrupt(path, $"not readable as CSV: {exception.Message}", exception);
        }
    }
}
