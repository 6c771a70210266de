using System;
using System.IO;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>The files that pass between the task and the worker: indented UTF-8 JSON of a stated version.</summary>
internal static class ContractFile
{
    /// <param name="path">The file.</param>
    /// <param name="version">The version that the file must have.</param>
    /// <param name="read">Makes the contract of the file's members.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not JSON of this contract, or is of another version. The inner exception says so without the path.</exception>
    public static T Read<T>(string path, int version, Func<JsonObject, T> read) where T : class
    {
        string text;
        using (var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete), WholeFile.Utf8))
        {
            text = reader.ReadToEnd();
        }

        try
        {
            return Parse(text, version, read);
        }
        catch (InvalidDataException fault)
        {
            throw new InvalidDataException($"'{path}' can't be read: {fault.Message}.", fault);
        }
    }

    /// <exception cref="InvalidDataException">The text is not JSON of this contract, or is of another version.</exception>
    public static T Parse<T>(string text, int version, Func<JsonObject, T> read) where T : class
    {
        var members = JsonObject.Parse(text);
        var found = members.Integer("Version") ?? 0;
        return found == version ? read(members) : throw new InvalidDataException($"it has version {found}, expected {version}");
    }
}
