using System.Globalization;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>
/// What one JSON object says of a picture: <c>file_name</c>, <c>text</c> (or <c>caption</c>; of a list the first), <c>label</c> (or <c>cls</c>), <c>group</c>.
/// Other keys are passed over.
/// </summary>
internal readonly record struct JsonRow(string? FileName, string? Text, Label Label, string? Group)
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 64 };

    /// <summary>Reads an object.</summary>
    /// <returns>What is wrong; null: nothing.</returns>
    public static string? TryParse(ReadOnlySpan<byte> json, out JsonRow row)
    {
        row = default;
        try
        {
            return Parse(json, out row);
        }
        catch (JsonException error)
        {
            var message = error.Message;
            var place = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            return string.Create(CultureInfo.InvariantCulture,
                $"is no valid JSON at byte {(error.BytePositionInLine ?? 0) + 1}: {Printable.Text(place < 0 ? message : message[..place], 200)}");
        }
        catch (InvalidOperationException)
        {
            return "holds text that is not Unicode (broken UTF-8, or half of a surrogate pair)";
        }
    }

    private static string? Parse(ReadOnlySpan<byte> json, out JsonRow row)
    {
        row = default;
        var reader = new Utf8JsonReader(json, Options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return $"holds {Kind(reader.TokenType)} where an object {{\"file_name\": ..., \"text\": ...}} was due";
        }

        var keys = new HashSet<string>(StringComparer.Ordinal);
        string? fileName = null, text = null, caption = null, group = null;
        Label? label = null, cls = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            if (!keys.Add(key))
            {
                return $"holds the key '{Printable.Text(key)}' twice";
            }

            reader.Read();
            var problem = key switch
            {
                "file_name" => ReadText(ref reader, key, ref fileName),
                "text" => ReadTextOrList(ref reader, key, ref text),
                "caption" => ReadTextOrList(ref reader, key, ref caption),
                "label" => ReadLabel(ref reader, key, ref label),
                "cls" => ReadLabel(ref reader, key, ref cls),
                "group" => ReadGroup(ref reader, key, ref group),
                _ => Skip(ref reader),
            };
            if (problem is not null)
            {
                return problem;
            }
        }

        reader.Read(); // throws where something follows the object
        row = new JsonRow(fileName, text ?? caption, label ?? cls ?? Label.None, group);
        return null;
    }

    private static string? ReadText(ref Utf8JsonReader reader, string key, ref string? text)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
        {
            return $"\"{key}\" is {Kind(reader.TokenType)} where text was due";
        }

        text = reader.GetString();
        return null;
    }

    private static string? ReadTextOrList(ref Utf8JsonReader reader, string key, ref string? text)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return ReadText(ref reader, key, ref text) is null ? null : $"\"{key}\" is {Kind(reader.TokenType)} where text or a list of texts was due";
        }

        for (var isFirst = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; isFirst = false)
        {
            string? item = null;
            if (ReadText(ref reader, key, ref item) is not null)
            {
                return $"\"{key}\" is a list with {Kind(reader.TokenType)} in it where texts were due";
            }

            text = isFirst ? item : text;
        }

        return null;
    }

    private static string? ReadLabel(ref Utf8JsonReader reader, string key, ref Label? label)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.String:
                label = new Label(null, reader.GetString());
                return null;
            case JsonTokenType.Number when reader.TryGetInt64(out var number):
                label = new Label(number, null);
                return null;
            default:
                return $"\"{key}\" is {Kind(reader.TokenType)} where a whole number or a class name was due";
        }
    }

    private static string? ReadGroup(ref Utf8JsonReader reader, string key, ref string? group)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.String:
                return PictureGroup.Take(reader.GetString(), out group) is { } problem ? $"\"{key}\" {problem}" : null;
            case JsonTokenType.Number when reader.TryGetInt64(out var number):
                group = number.ToString(CultureInfo.InvariantCulture);
                return null;
            case JsonTokenType.Number when reader.TryGetUInt64(out var large):
                group = large.ToString(CultureInfo.InvariantCulture);
                return null;
            default:
                return $"\"{key}\" is {Kind(reader.TokenType)} where text or a whole number was due";
        }
    }

    private static string? Skip(ref Utf8JsonReader reader)
    {
        reader.Skip();
        return null;
    }

    private static string Kind(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => "text",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "true or false",
        JsonTokenType.Null => "null",
        _ => "nothing",
    };
}
