using System.IO;

namespace ModelBuildTasks.Contracts.Json;

/// <summary>Faults that know their line. InvalidDataException is sealed; its data carry the number.</summary>
internal static class JsonFault
{
    private const string Line = nameof(Line);

    /// <param name="line">The line, from 1.</param>
    /// <param name="message">A clause.</param>
    public static InvalidDataException At(int line, string message) => new(message) { Data = { [Line] = line } };

    /// <returns>The line, from 1; 0 when the fault is of no line.</returns>
    public static int LineOf(InvalidDataException fault) => fault.Data[Line] is int line ? line : 0;
}
