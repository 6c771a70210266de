using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ModelBuildTasks.Inference.Data;

/// <summary>A factor, written as a number or as a quotient such as "1/255".</summary>
[JsonConverter(typeof(FactorConverter))]
internal sealed record Factor(double Value);

/// <summary>One number for all channels, or one a channel in the order that the model expects.</summary>
[JsonConverter(typeof(ChannelsConverter))]
internal sealed record Channels(double[] Values);

internal sealed class FactorConverter : JsonConverter<Factor>
{
    public override Factor Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.GetDouble() is var value && double.IsFinite(value))
        {
            return new Factor(value);
        }

        string[] parts = reader.TokenType == JsonTokenType.String ? reader.GetString()!.Split('/') : [];
        return parts.Length == 2 && Number(parts[0]) is { } numerator && Number(parts[1]) is { } denominator && denominator != 0 && double.IsFinite(numerator / denominator)
            ? new Factor(numerator / denominator)
            : throw new JsonException("'scale' is a number or a quotient such as \"1/255\".");
    }

    // Without separators of thousands, which JSON's own numbers don't have either.
    private static double? Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    public override void Write(Utf8JsonWriter writer, Factor value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

internal sealed class ChannelsConverter : JsonConverter<Channels>
{
    public override Channels Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.GetDouble() is var value && double.IsFinite(value))
        {
            return new Channels([value]);
        }

        List<double> values = [];
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.Number)
            {
                values.Add(reader.GetDouble());
            }
        }

        return values.Count > 0 && values.TrueForAll(double.IsFinite) && reader.TokenType == JsonTokenType.EndArray
            ? new Channels([.. values])
            : throw new JsonException("'mean' and 'std' are a number or an array of numbers.");
    }

    public override void Write(Utf8JsonWriter writer, Channels value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        Array.ForEach(value.Values, writer.WriteNumberValue);
        writer.WriteEndArray();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(DatasetDescription))]
internal sealed partial class DescriptionJson : JsonSerializerContext;
