using System.Text.Json;
using System.Text.Json.Nodes;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// Published weights: a safetensors file, or a folder with one, and the <c>config.json</c> beside it, else the config in its header (what <see cref="Save"/> writes, a run's own weights
/// and an export have one). Owns the tensors.
/// </summary>
public sealed class WeightFile : IDisposable
{
    /// <summary>Where the header has the config.</summary>
    public const string ConfigKey = "config";

    /// <summary>Entry of a file's header that an export keeps the config in that it replaced; empty where there was none.</summary>
    public const string OriginalConfigKey = "config_before_export";

    private static readonly string[] Names = ["model.safetensors", "diffusion_pytorch_model.safetensors"];
    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt"];

    private readonly TensorBundle bundle;
    private readonly JsonDocument? config;

    private WeightFile(string path, TensorBundle bundle, JsonDocument? config) => (Path, this.bundle, this.config) = (path, bundle, config);

    /// <summary>The safetensors file or blob.</summary>
    public string Path { get; }

    /// <summary>What it holds.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => bundle.Tensors;

    /// <summary>What <see cref="Save"/> wrote; takes the bundle over.</summary>
    /// <param name="name">Of the blob, for messages.</param>
    /// <param name="bundle">Its tensors.</param>
    public static WeightFile From(string name, TensorBundle bundle)
        => new(name, bundle, HeaderConfig(bundle));

    /// <summary>Writes everything as one file, the config in its header.</summary>
    /// <param name="target">Receives it.</param>
    /// <param name="entries">Entries that the config is to have besides its own, or in their place.</param>
    public void Save(Stream target, IReadOnlyDictionary<string, JsonNode?>? entries = null)
    {
        var written = config is null ? [] : JsonObject.Create(config.RootElement)!;
        foreach (var (name, value) in entries ?? new Dictionary<string, JsonNode?>())
        {
            written[name] = value;
        }

        TensorFile.Save(
            target, [.. Tensors.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => (t.Key, t.Value))],
            new Dictionary<string, string> { [ConfigKey] = written.ToJsonString() });
    }

    /// <summary>Reads a file or folder.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="preferHeader">Whether a config in the header goes before the one beside the file: of what is copied to be as it was before it was exported.</param>
    /// <exception cref="UserErrorException">There is none, it is a pickle, or no safetensors file.</exception>
    public static WeightFile Open(string path, bool preferHeader = false)
    {
        var file = Find(path);
        RefusePickle(file);
        TensorBundle? bundle = null;
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
            bundle = TensorFile.Load(stream);
            var inHeader = preferHeader ? HeaderConfig(bundle) : null;
            return new WeightFile(file, bundle, inHeader ?? ReadConfig(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(file)!, "config.json")) ?? HeaderConfig(bundle));
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or EndOfStreamException or IOException or UnauthorizedAccessException)
        {
            bundle?.Dispose();
            throw new UserErrorException($"{file} cannot be read as safetensors: {error.Message}", error);
        }
    }

    /// <summary>A whole number of the config; null where it has no such entry.</summary>
    /// <exception cref="UserErrorException">It is no whole number.</exception>
    public int? Integer(params string[] names) => Entry(names) is not { } entry ? null
        : entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out var number) ? number : throw Wrong(entry.Name, entry.Value, "a whole number");

    /// <summary>A number of the config; null where it has no such entry.</summary>
    /// <exception cref="UserErrorException">It is no number.</exception>
    public double? Number(params string[] names) => Entry(names) is not { } entry ? null
        : entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetDouble(out var number) ? number : throw Wrong(entry.Name, entry.Value, "a number");

    /// <summary>A yes or no of the config; null where it has no such entry.</summary>
    /// <exception cref="UserErrorException">It is neither.</exception>
    public bool? Flag(string name) => Entry([name]) is not { } entry ? null
        : entry.Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? entry.Value.GetBoolean() : throw Wrong(entry.Name, entry.Value, "true or false");

    /// <summary>A word of the config; null where it has no such entry.</summary>
    /// <exception cref="UserErrorException">It is no text.</exception>
    public string? Text(string name) => Entry([name]) is not { } entry ? null
        : entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : throw Wrong(entry.Name, entry.Value, "a text");

    /// <inheritdoc/>
    public void Dispose()
    {
        bundle.Dispose();
        config?.Dispose();
    }

    /// <summary>The free text of the header; of a file that an export put a config into, as it was before.</summary>
    internal IReadOnlyDictionary<string, string> FreeText
    {
        get
        {
            var text = bundle.Metadata.ToDictionary(StringComparer.Ordinal);
            if (text.Remove(OriginalConfigKey, out var before))
            {
                text[ConfigKey] = before;
            }

            if (text.GetValueOrDefault(ConfigKey)?.Length == 0)
            {
                text.Remove(ConfigKey);
            }

            return text;
        }
    }

    /// <summary>The tensors with the free text of their file; still this object's.</summary>
    internal TensorBundle Bundle => bundle;

    /// <summary>Whether the config has such an entry; a dot goes into an object, as for all entries: <c>time.scale</c>.</summary>
    internal bool Has(string name) => Entry([name]) is not null;

    /// <summary>The safetensors file that a path means: itself, or the one in the folder.</summary>
    internal static string Find(string path)
    {
        if (File.Exists(path))
        {
            return System.IO.Path.GetFullPath(path);
        }

        if (Directory.Exists(path))
        {
            return FindIn(System.IO.Path.GetFullPath(path));
        }

        throw new UserErrorException($"There are no weights at {path}. Give a safetensors file, or a folder that holds {Names[0]}.");
    }

    // A usual name, else the only safetensors file; where there is none a pickle, to be refused with the way to convert it.
    private static string FindIn(string folder)
    {
        var usual = Names.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (usual is not null)
        {
            return usual;
        }

        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).ToArray();
        var found = files.Where(file => file.EndsWith(".safetensors", StringComparison.Ordinal)).ToArray();
        return found.Length == 1 ? found[0]
            : found.Length > 1 ? throw new UserErrorException($"{folder} has {found.Length} safetensors files ({string.Join(", ", found.Select(System.IO.Path.GetFileName))}). Name the one to read; weights in several parts are not read: join them.")
            : files.FirstOrDefault(file => Pickles.Contains(System.IO.Path.GetExtension(file)))
                ?? throw new UserErrorException($"{folder} has none of {string.Join(", ", Names)}, nor another safetensors file. Name the file itself.");
    }

    // A pickle runs what it pleases when it is opened; torch.save writes one, in a zip archive since version 1.6.
    private static void RefusePickle(string file)
    {
        Span<byte> start = stackalloc byte[4];
        using (var stream = File.OpenRead(file))
        {
            start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }

        if (start.StartsWith("PK\u0003\u0004"u8) || (start.Length > 1 && start[0] == 0x80 && start[1] is >= 2 and <= 5))
        {
            var target = System.IO.Path.ChangeExtension(file, ".safetensors");
            throw new UserErrorException(
                $"{file} is a Python pickle, which can run any code when it is read. Convert it where you trust it:\n"
                + "  import torch, safetensors.torch\n"
                + $"  safetensors.torch.save_file({{k: v.contiguous() for k, v in torch.load(\"{file}\", map_location=\"cpu\", weights_only=True).items()}}, \"{target}\")");
        }
    }

    // Free text of that name that is no JSON object is somebody else's, and means something else.
    private static JsonDocument? HeaderConfig(TensorBundle bundle)
    {
        JsonDocument? config = null;
        try
        {
            config = bundle.Metadata.TryGetValue(ConfigKey, out var text) ? JsonDocument.Parse(text) : null;
        }
        catch (JsonException)
        {
        }

        if (config is null or { RootElement.ValueKind: JsonValueKind.Object })
        {
            return config;
        }

        config.Dispose();
        return null;
    }

    private static JsonDocument? ReadConfig(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(file));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{file}, beside it, is no JSON: {error.Message}", error);
        }
    }

    private (string Name, JsonElement Value)? Entry(string[] names)
    {
        if (config is { RootElement.ValueKind: JsonValueKind.Object })
        {
            foreach (var name in names)
            {
                if (Find(config.RootElement, name.Split('.')) is { } value)
                {
                    return (name, value);
                }
            }
        }

        return null;
    }

    private static JsonElement? Find(JsonElement at, string[] way)
    {
        foreach (var name in way)
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at) || at.ValueKind == JsonValueKind.Null)
            {
                return null;
            }
        }

        return at;
    }

    private UserErrorException Wrong(string name, JsonElement value, string wanted)
        => new($"config.json beside {Path}: '{name}' is {value.GetRawText()}; it must be {wanted}.");
}
