using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Serving;

/// <summary>Reads an object of a request strictly: each field by its kind and bounds, null as if it were left out, and none that is unknown.</summary>
internal sealed class FieldReader
{
    private readonly JsonElement json;
    private readonly string prefix;

    /// <param name="json">An object.</param>
    /// <param name="known">The fields that mean something.</param>
    /// <param name="prefix">What the names of fields begin with in messages.</param>
    /// <exception cref="GatewayException">A field is unknown.</exception>
    public FieldReader(JsonElement json, IReadOnlyCollection<string> known, string prefix = "")
    {
        (this.json, this.prefix) = (json, prefix);
        foreach (var property in json.EnumerateObject())
        {
            if (!known.Contains(NameOf(property)))
            {
                var name = Printable.Text(prefix + property.Name);
                throw GatewayException.Bad(name, $"Unknown field '{name}'{Suggestion.For(property.Name, known, "known are")}. A field that would be passed over is refused.", "unknown_parameter");
            }
        }
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A text; null where there is none.</summary>
    public string? Text(string name, int most)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            throw Wrong(name, value, "a text");
        }

        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw GatewayException.Bad(prefix + name, $"'{prefix}{name}' has half of a surrogate pair, which is no character.");
        }

        if (text.Length > most)
        {
            throw GatewayException.Bad(prefix + name, $"'{prefix}{name}' has {text.Length} characters; at most {most} are read.", "string_above_max_length");
        }

        return text.AsSpan().IndexOfAny('\0', '\uFFFE', '\uFFFF') < 0
            ? text
            : throw GatewayException.Bad(prefix + name, $"'{prefix}{name}' has a NUL or another code that is no character.");
    }

    /// <summary>One of some words; null where there is none.</summary>
    public string? Word(string name, params string[] known)
        => Text(name, 64) is not { } text ? null
            : known.Contains(text) ? text
            : throw GatewayException.Bad(prefix + name, $"'{Printable.Text(text)}' for '{prefix}{name}'{Suggestion.For(text, known, "valid are")}.");

    /// <summary>A whole number; null where there is none.</summary>
    public long? Whole(string name, long least, long most)
        => Find(name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= least && number <= most ? number
            : throw Wrong(name, value, FormattableString.Invariant($"a whole number from {least} to {most}"));

    /// <summary>A number; null where there is none.</summary>
    public double? Number(string name, double least, double most)
        => Find(name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most ? number
            : throw Wrong(name, value, FormattableString.Invariant($"a number from {least} to {most}"));

    /// <summary>True or false; null where there is none.</summary>
    public bool? Flag(string name)
        => Find(name) is not { } value ? null
            : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : throw Wrong(name, value, "true or false");

    /// <summary>An object; null where there is none.</summary>
    public FieldReader? Object(string name, IReadOnlyCollection<string> known)
        => Find(name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Object ? new FieldReader(value, known, prefix + name + ".")
            : throw Wrong(name, value, "an object");

    private static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw GatewayException.Bad(null, $"A field's name has half of a surrogate pair, which is no character.", "unknown_parameter");
        }
    }

    private JsonElement? Find(string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private GatewayException Wrong(string name, JsonElement value, string wanted)
        => GatewayException.Bad(prefix + name, $"'{prefix}{name}' is {Printable.Text(value.GetRawText())}; expected {wanted}.", "invalid_type");
}
