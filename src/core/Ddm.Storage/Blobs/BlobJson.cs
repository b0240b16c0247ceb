using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ddm.Storage;

/// <summary>JSON blobs: one set of options for everything that is written, strict about duplicates and nulls, lenient about fields of newer versions.</summary>
public static class BlobJson
{
    /// <summary>Camel-case names, enums as camel-case words, indented, readable beyond ASCII; NaN and infinities as strings.</summary>
    public static JsonSerializerOptions Options { get; } = CreateOptions();

    /// <summary>Reads a JSON blob; null when there is none.</summary>
    /// <exception cref="InvalidDataException">The blob is not the JSON of a <typeparamref name="T"/>; the message names blob and place.</exception>
    public static async Task<(T Value, string ETag)?> ReadJsonAsync<T>(this IBlobStore store, string name, CancellationToken cancellationToken)
        where T : class
    {
        var content = await store.ReadAsync(name, cancellationToken);
        return content is null ? null : (Parse<T>(name, content.Bytes), content.ETag);
    }

    /// <summary>Writes a JSON blob under a condition.</summary>
    /// <returns>The new ETag; null when the condition does not hold.</returns>
    public static Task<string?> TryWriteJsonAsync<T>(
        this IBlobStore store, string name, T value, WriteCondition condition, CancellationToken cancellationToken)
        where T : class =>
        store.TryWriteAsync(name, Serialize(value), condition, cancellationToken);

    /// <summary>The bytes of a JSON blob: UTF-8 with a final newline, the same for equal values, and a <see cref="JsonSeal"/> as the last field.</summary>
    public static byte[] Serialize<T>(T value)
        where T : class
    {
        using var buffer = new MemoryStream();
        JsonSerializer.Serialize(buffer, value, Options);
        buffer.WriteByte((byte)'\n');
        return JsonSeal.Apply(buffer.ToArray());
    }

    /// <summary>Reads the bytes of the JSON blob <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">They are not the JSON of a <typeparamref name="T"/>, or were changed after they had been sealed.</exception>
    public static T Parse<T>(string name, ReadOnlySpan<byte> bytes)
        where T : class
    {
        JsonSeal.Check(name, bytes);
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, Options) ?? throw new InvalidDataException($"{name} holds null where a {typeof(T).Name} should be.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{name} ({bytes.Length} bytes) is not the JSON of a {typeof(T).Name}: {e.Message}", e);
        }
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.General)
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            AllowDuplicateProperties = false,
        };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
