using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ddm.Runs;

/// <summary>A text of one line, which <paramref name="problem"/> may refuse; boxed as <see cref="string"/>.</summary>
/// <param name="expected">What it is, as it ends a sentence.</param>
/// <param name="mostCharacters">Longest text.</param>
/// <param name="problem">What is wrong with a text; null when nothing is.</param>
/// <param name="pattern">The regular expression that schemas state; null: none says it.</param>
/// <param name="words">The only texts there are; null: too many to list.</param>
internal sealed class TextValue(
    string expected, int mostCharacters, Func<string, string?>? problem = null, string? pattern = null, IReadOnlyList<string>? words = null) : SpecValue
{
    public override string Expected => expected;

    public override object? Read(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (Scalar(node, refuse) is not { } scalar)
        {
            return null;
        }

        var wrong = string.IsNullOrWhiteSpace(scalar.Text) || scalar.Text.Any(char.IsControl) || !IsWellFormed(scalar.Text)
            ? $"{scalar.Description} is not {expected}"
            : scalar.Text.Length > mostCharacters
                ? string.Create(CultureInfo.InvariantCulture, $"{scalar.Description} has {scalar.Text.Length} characters; expected {expected} of at most {mostCharacters}")
                : problem?.Invoke(scalar.Text);
        if (wrong is null)
        {
            return scalar.Text;
        }

        refuse(node, wrong);
        return null;
    }

    public override void Write(Utf8JsonWriter json, object value) => json.WriteStringValue((string)value);

    public override JsonObject Schema()
    {
        var schema = new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = mostCharacters };
        if (pattern is not null)
        {
            schema["pattern"] = pattern;
        }

        if (words is not null)
        {
            schema["enum"] = ChoiceValue.WordsOf(words);
        }

        return schema;
    }

    private static bool IsWellFormed(string text)
    {
        var utf16 = text.AsSpan();
        while (utf16.Length > 0)
        {
            if (Rune.DecodeFromUtf16(utf16, out _, out var read) != OperationStatus.Done)
            {
                return false;
            }

            utf16 = utf16[read..];
        }

        return true;
    }
}

/// <summary>True or false; boxed as <see cref="bool"/>.</summary>
internal sealed class BooleanValue : SpecValue
{
    public override string Expected => "true or false";

    public override object? Read(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (Scalar(node, refuse) is not { } scalar)
        {
            return null;
        }

        if (scalar is { Plain: true, Text: "true" or "false" })
        {
            return scalar.Text == "true";
        }

        Refuse(node, refuse);
        return null;
    }

    public override void Write(Utf8JsonWriter json, object value) => json.WriteBooleanValue((bool)value);

    public override JsonObject Schema() => new() { ["type"] = "boolean" };
}

/// <summary>One of a few words, each standing for a value.</summary>
internal sealed class ChoiceValue(IReadOnlyList<(string Word, object Value)> choices) : SpecValue
{
    public override string Expected => string.Join(" or ", Words);

    private IEnumerable<string> Words => choices.Select(choice => choice.Word);

    public override object? Read(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (Scalar(node, refuse) is not { } scalar)
        {
            return null;
        }

        foreach (var (word, value) in choices)
        {
            if (word == scalar.Text)
            {
                return value;
            }
        }

        refuse(node, $"unknown value '{Printable.Text(scalar.Text)}'{Suggestion.For(scalar.Text, [.. Words], "known")}");
        return null;
    }

    public override void Write(Utf8JsonWriter json, object value) => json.WriteStringValue(choices.First(choice => choice.Value.Equals(value)).Word);

    public override JsonObject Schema() => new() { ["type"] = "string", ["enum"] = WordsOf(Words) };

    internal static JsonArray WordsOf(IEnumerable<string> words) => [.. words.Select(word => JsonValue.Create(word))];
}

/// <summary>A list of different texts; boxed as a list of <see cref="string"/>.</summary>
internal sealed class TextListValue(SpecValue item) : SpecValue
{
    public override string Expected => $"a list, each item {item.Expected}";

    public override object? Read(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (node is not SpecList list)
        {
            Refuse(node, refuse);
            return null;
        }

        var sound = true;
        var texts = new List<string>();
        foreach (var element in list.Items)
        {
            if (item.Read(element, refuse) is not string text)
            {
                sound = false;
            }
            else if (texts.Contains(text))
            {
                refuse(element, $"'{Printable.Text(text)}' stands in the list twice");
                sound = false;
            }
            else
            {
                texts.Add(text);
            }
        }

        return sound ? texts : null;
    }

    public override void Write(Utf8JsonWriter json, object value)
    {
        json.WriteStartArray();
        foreach (var text in (IReadOnlyList<string>)value)
        {
            item.Write(json, text);
        }

        json.WriteEndArray();
    }

    public override JsonObject Schema() => new() { ["type"] = "array", ["items"] = item.Schema(), ["uniqueItems"] = true };
}
