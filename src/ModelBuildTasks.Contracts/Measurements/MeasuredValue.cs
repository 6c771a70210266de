using System.IO;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>A median with its interval, all above 0.</summary>
public sealed class MeasuredValue(double value, double low, double high)
{
    public double Value { get; } = value;

    /// <summary>Lower end of the interval.</summary>
    public double Low { get; } = low;

    /// <summary>Upper end of the interval.</summary>
    public double High { get; } = high;

    /// <returns>Null when the member is absent.</returns>
    /// <exception cref="InvalidDataException">It is no interval of positive numbers.</exception>
    internal static MeasuredValue? Read(JsonObject json, string name)
    {
        if (json.Object(name) is not { } members)
        {
            return null;
        }

        var (value, low, high) = (members.Number("value") ?? 0, members.Number("low") ?? 0, members.Number("high") ?? 0);
        return low > 0 && low <= value && value <= high && high < double.PositiveInfinity
            ? new MeasuredValue(value, low, high)
            : throw JsonFault.At(json.LineOf(name), $"'{name}' needs numbers above 0 with low ≤ value ≤ high");
    }

    internal void Write(JsonWriter json) => json.Add("value", (double?)Value).Add("low", (double?)Low).Add("high", (double?)High);
}
