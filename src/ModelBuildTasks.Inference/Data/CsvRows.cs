using CsvHelper;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Rows of a CSV file whose first row names the columns; the separator is found from the text.</summary>
internal sealed class CsvRows : IDisposable
{
    // One row; keeps a file without line ends from being taken into memory whole.
    private const int LargestRow = 64 << 20;
    private readonly string path;
    private readonly CsvReader reader;

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

    /// <summary>A field as a number.</summary>
    /// <exception cref="DatasetException">It is none.</exception>
    internal double Number(int column) =>
        reader.TryParse(column, out double number)
            ? number
            : throw DatasetException.Corrupt(path, $"line {Line}, column '{Header[column]}': '{Text(column)}' is not a number.");

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
