using System.Text.Json;
using Ddm.Runs;
using Parquet;
using Parquet.Schema;

namespace Ddm.Data;

/// <summary>
/// The columns of a Hugging Face parquet file that are read: <c>image</c> (or <c>img</c>), a struct with <c>bytes</c> or the bytes themselves;
/// <c>text</c> (or <c>caption</c>), text or a list of texts; <c>label</c> (or <c>cls</c>), whole numbers or class names;
/// <c>group</c>, text or whole numbers.
/// </summary>
internal sealed record ParquetColumns(DataField Image, DataField? Text, DataField? Label, DataField? Group, IReadOnlyList<string> ClassNames)
{
    /// <summary>Finds them in a file.</summary>
    /// <exception cref="UserErrorException">One is missing or of another type.</exception>
    public static ParquetColumns Find(ParquetReader reader, string path)
    {
        var fields = reader.Schema.Fields;
        var image = Named(fields, "image", "img") switch
        {
            DataField { IsArray: false } plain when IsBytes(plain) => plain,
            StructField pair when pair.Fields.OfType<DataField>().FirstOrDefault(field => field.Name == "bytes") is { IsArray: false } bytes && IsBytes(bytes) => bytes,
            null => throw Bad(path, $"has no column 'image' (it has: {string.Join(", ", fields.Take(20).Select(field => Printable.Text(field.Name)))})"),
            var other => throw Bad(path, $"has a column '{other.Name}' of another type ({Kind(other)})"),
        };
        var text = Named(fields, "text", "caption") switch
        {
            null => null,
            DataField { IsArray: false } plain when IsText(plain) => plain,
            ListField { Item: DataField item } when IsText(item) => item,
            var other => throw Bad(path, $"has a column '{other.Name}' that is neither text nor a list of texts ({Kind(other)})"),
        };
        var label = Named(fields, "label", "cls") switch
        {
            null => null,
            DataField { IsArray: false } plain when IsText(plain) || IsWhole(plain.ClrType) => plain,
            var other => throw Bad(path, $"has a column '{other.Name}' that is neither whole numbers nor class names ({Kind(other)})"),
        };
        var group = fields.FirstOrDefault(field => field.Name == "group") switch
        {
            null => null,
            DataField { IsArray: false } plain when IsText(plain) || IsWhole(plain.ClrType) => plain,
            var other => throw Bad(path, $"has a column 'group' that is neither text nor whole numbers ({Kind(other)})"),
        };
        return new ParquetColumns(image, text, label, group, label is null ? [] : NamesOf(reader.CustomMetadata, label.Name));
    }

    private static Field? Named(IReadOnlyList<Field> fields, string name, string otherName)
        => fields.FirstOrDefault(field => field.Name == name) ?? fields.FirstOrDefault(field => field.Name == otherName);

    private static bool IsBytes(DataField field) => field.ClrType == typeof(ReadOnlyMemory<byte>) || field.ClrType == typeof(byte[]);

    private static bool IsText(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(string);

    private static bool IsWhole(Type type) => Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.UInt64;

    private static string Kind(Field field) => field is DataField data ? data.ClrType.Name : field.SchemaType.ToString().ToLowerInvariant();

    // {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    private static List<string> NamesOf(Dictionary<string, string> metadata, string label)
    {
        try
        {
            if (metadata.TryGetValue("huggingface", out var json))
            {
                using var document = JsonDocument.Parse(json);
                var found = document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("info", out var info)
                    && info.TryGetProperty("features", out var features) && features.TryGetProperty(label, out var feature)
                    && feature.TryGetProperty("names", out var names) && names.ValueKind == JsonValueKind.Array ? names : default;
                return found.ValueKind == JsonValueKind.Array ? [.. found.EnumerateArray().Select(name => name.ToString())] : [];
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The note is not as its writer makes it: the labels' numbers are their names.
        }

        return [];
    }

    private static UserErrorException Bad(string path, string what)
        => new($"'{path}' {what}. Give the pictures as a column 'image' of bytes or of structs {{bytes, path}}, captions as 'text', classes as 'label', groups as 'group'.");
}
