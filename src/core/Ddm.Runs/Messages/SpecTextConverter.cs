using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Takes a spec as text, or as the JSON value itself: what a mistake in it is, its reader tells better than a message that cannot be read.</summary>
internal sealed class SpecTextConverter : JsonConverter<string>
{
    /// <inheritdoc/>
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is JsonTokenType.String or JsonTokenType.Null)
        {
            return reader.GetString();
        }

        using var value = JsonDocument.ParseValue(ref reader);
        return value.RootElement.GetRawText();
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
