namespace ModelBuildTasks.Inference.Data;

/// <summary>What is wrong with a data set.</summary>
public enum DatasetError
{
    /// <summary>The path, or a file that the description names, does not exist or cannot be opened.</summary>
    NotFound,

    /// <summary>Nothing at the path is data of a known format.</summary>
    UnknownFormat,

    /// <summary>A file contradicts itself or ends early.</summary>
    Corrupt,

    /// <summary>The data is sound, but its names, shapes or values are not those of the model's inputs.</summary>
    DoesNotFit,

    /// <summary><c>dataset.json</c> is malformed, or says what the data contradicts.</summary>
    Description,

    /// <summary>There is no sample in it.</summary>
    Empty,
}

/// <summary>A data set that cannot be used; the message names the file, what was found and what was expected.</summary>
public sealed class DatasetException(DatasetError error, string path, string message, Exception? inner = null) : Exception($"{path}: {message}", inner)
{
    /// <summary>The kind of fault.</summary>
    public DatasetError Error { get; } = error;

    /// <summary>The file or folder at fault.</summary>
    public string Path { get; } = path;

    internal static DatasetException Corrupt(string path, string message, Exception? inner = null) => new(DatasetError.Corrupt, path, message, inner);

    internal static DatasetException DoesNotFit(string path, string message) => new(DatasetError.DoesNotFit, path, message);
}
