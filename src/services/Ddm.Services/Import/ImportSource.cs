using System.Globalization;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Where the parts of a model to import lie.</summary>
/// <param name="Experts">Files or folders of the experts, in order.</param>
/// <param name="Router">File or folder of the router; null: one expert alone.</param>
/// <param name="Vae">Of the autoencoder; null: none.</param>
/// <param name="TextEncoder">Of the encoder of captions; null: none.</param>
/// <param name="Classes">File of the classes' names; null: none.</param>
/// <param name="Facts">What an export says about the whole; null: it is no export.</param>
internal sealed record ImportSource(IReadOnlyList<string> Experts, string? Router, string? Vae, string? TextEncoder, string? Classes, EnsembleFacts? Facts = null)
{
    private const string Index = ExportFormats.FolderIndex;
    private const int MostExperts = 1024;

    /// <summary>Looks at what a request names.</summary>
    /// <exception cref="UserErrorException">A part of an ensemble is missing or not one of it, or words are said about it that each part must say itself.</exception>
    public static ImportSource Find(ImportRequest request)
    {
        var index = Path.Combine(request.Path, Index);
        var flat = Path.Combine(request.Path, ExportFormats.FlatIndex);
        var isFlat = !File.Exists(index) && EnsembleFacts.Holds(flat);
        if (!File.Exists(index) && !isFlat)
        {
            return new ImportSource([request.Path], null, request.Vae, request.TextEncoder, request.Classes);
        }

        if (request.Stated != new Encoders.StatedNetwork())
        {
            throw new UserErrorException($"{request.Path} is an ensemble ({Index}), whose networks may differ: --prediction, --time-direction, --time-scale, --schedule and --heads are for one network. "
                + "Write prediction, time, schedule and num_heads in each expert's config.json.");
        }

        return isFlat ? Find(request, flat, ".safetensors", File.Exists, "file") : Find(request, index, "", Directory.Exists, "folder");
    }

    private static ImportSource Find(ImportRequest request, string index, string ending, Func<string, bool> exists, string what)
    {
        var experts = FindExperts(request.Path, index, ending, exists, what);
        return new ImportSource(
            experts, FindRouter(Part("router"), experts.Length, exists, what), request.Vae ?? Present("vae"), request.TextEncoder ?? Present("text_encoder") ?? Present("tokenizer"),
            request.Classes ?? (File.Exists(Path.Combine(request.Path, "classes.txt")) ? Path.Combine(request.Path, "classes.txt") : null), EnsembleFacts.Read(index));

        string Part(string name) => Path.Combine(request.Path, name + ending);

        string? Present(string name) => exists(Part(name)) ? Part(name) : null;
    }

    private static string[] FindExperts(string folder, string index, string ending, Func<string, bool> exists, string what)
    {
        var count = Count(index);
        string[] experts = [.. Enumerable.Range(0, count).Select(Expert)];
        if (Array.Find(experts, expert => !exists(expert)) is { } missing)
        {
            throw new UserErrorException($"{index} says num_experts: {count}; there is no {what} {missing}.");
        }

        return exists(Expert(count)) ? throw new UserErrorException($"{index} says num_experts: {count}; there is a {what} {Expert(count)} besides.") : experts;

        string Expert(int k) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"expert_{k}{ending}"));
    }

    private static string? FindRouter(string router, int experts, Func<string, bool> exists, string what) => exists(router) ? router
        : experts == 1 ? null : throw new UserErrorException($"{Path.GetDirectoryName(router)} has {experts} experts and no {what} {router}: without a router nothing tells which expert to ask.");

    private static int Count(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("num_experts", out var count)
                && count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var number) && number is >= 1 and <= MostExperts
                ? number : throw new UserErrorException($"{index} does not say num_experts, a whole number from 1 to {MostExperts}: it is no ensemble's.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{index} is no JSON: {error.Message}", error);
        }
    }
}
