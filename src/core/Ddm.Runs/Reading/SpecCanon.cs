using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ddm.Runs;

/// <summary>The one text of what a spec means: every key in table order, defaults written out, presets in numbers.</summary>
internal static class SpecCanon
{
    public static string Write(RunSpec spec)
    {
        var resolved = spec with
        {
            Model = NetworkPresets.Resolve(spec.Model),
            Router = spec.Router with { Network = NetworkPresets.Resolve(spec.Router.Network) },
        };
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            SpecTables.Run.Write(resolved, json);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Every value with its path, in table order.</summary>
    public static IEnumerable<(string Path, string Value)> Values(RunSpec spec)
    {
        using var json = JsonDocument.Parse(Write(spec));
        return [.. Leaves("", json.RootElement)];
    }

    private static IEnumerable<(string Path, string Value)> Leaves(string path, JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(child => Leaves(SpecContext.Join(path, child.Name), child.Value)),
        JsonValueKind.Array => [(path, $"[{string.Join(", ", element.EnumerateArray())}]")],
        _ => [(path, element.ToString())],
    };
}
