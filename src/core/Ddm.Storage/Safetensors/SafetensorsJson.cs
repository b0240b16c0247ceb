using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ddm.Storage;

/// <summary>
/// The JSON inside a safetensors header: <c>{"__metadata__": {text: text}, name: {"dtype": ., "shape": [.], "data_offsets": [begin, end]}}</c>.
/// </summary>
internal static class SafetensorsJson
{
    private const string MetadataKey = "__metadata__";

    public static (List<TensorInfo> Tensors, Dictionary<string, string> Metadata) Read(byte[] json)
    {
        if (json.Length == 0 || json[0] != (byte)'{')
        {
            throw new InvalidDataException("Not a safetensors file: its header does not begin with '{'.");
        }

        var tensors = new List<TensorInfo>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey)
                {
                    ReadMetadata(property.Value, metadata);
                }
                else
                {
                    tensors.Add(ReadTensor(property.Name, property.Value));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"The safetensors header is not valid JSON: {e.Message}", e);
        }

        return (tensors, metadata);
    }

    public static byte[] Write(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType);
                WriteNumbers(json, "shape", tensor.Shape);
                WriteNumbers(json, "data_offsets", [tensor.Begin, tensor.End]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void ReadMetadata(JsonElement element, Dictionary<string, string> metadata)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{MetadataKey} of the safetensors header is not an object.");
        }

        foreach (var entry in element.EnumerateObject())
        {
            metadata[entry.Name] = entry.Value.ValueKind == JsonValueKind.String
                ? entry.Value.GetString()!
                : throw new InvalidDataException($"{MetadataKey} of the safetensors header: '{entry.Name}' is not a text.");
        }
    }

    private static TensorInfo ReadTensor(string name, JsonElement element)
    {
        string? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var field in element.EnumerateObject())
            {
                switch (field.Name)
                {
                    case "dtype" when field.Value.ValueKind == JsonValueKind.String:
                        dtype = field.Value.GetString();
                        break;
                    case "shape":
                        shape = ReadNumbers(field.Value);
                        break;
                    case "data_offsets":
                        offsets = ReadNumbers(field.Value);
                        break;
                    default:
                        throw new InvalidDataException($"Tensor '{name}': unexpected field '{field.Name}' in the safetensors header.");
                }
            }
        }

        return dtype is not null && shape is not null && offsets is [var begin, var end]
            ? new TensorInfo(name, dtype, shape, begin, end)
            : throw new InvalidDataException($"Tensor '{name}': the safetensors header needs a dtype, a shape and two data_offsets, all whole numbers from 0.");
    }

    private static long[]? ReadNumbers(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var numbers = new long[element.GetArrayLength()];
        for (var i = 0; i < numbers.Length; i++)
        {
            if (element[i].ValueKind != JsonValueKind.Number || !element[i].TryGetInt64(out numbers[i]) || numbers[i] < 0)
            {
                return null;
            }
        }

        return numbers;
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, long[] numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
