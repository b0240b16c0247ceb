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
internal sealed record ImportSource(IReadOnlyList<string> Experts, string? Router, string? Vae, string? TextEncoder, string? Classes)
{
    private const string Index = "model_index.json";
    private const int MostExperts = 1024;

    /// <summary>Looks at what a request names.</summary>
    /// <exception cref="UserErrorException">A part of an ensemble is missing or not one of it, or words are said about it that each part must say itself.</exception>
    public static ImportSource Find(ImportRequest request)
    {
        var index = Path.Combine(request.Path, Index);
        if (!File.Exists(index))
        {
            return new ImportSource([request.Path], null, request.Vae, request.TextEncoder, request.Classes);
        }

        if (request.Stated != new Encoders.StatedNetwork())
        {
            throw new UserErrorException($"{request.Path} is an ensemble ({Index}), whose networks may differ: --prediction, --time-direction, --time-scale, --schedule and --heads are for one network. "
                + "Write prediction, time, schedule and num_heads in each expert's config.json.");
        }

        var experts = FindExperts(request.Path, index);
        return new ImportSource(
            experts, FindRouter(request.Path, experts.Length), request.Vae ?? Present(request.Path, "vae", Directory.Exists),
            request.TextEncoder ?? Present(request.Path, "text_encoder", Directory.Exists), request.Classes ?? Present(request.Path, "classes.txt", File.Exists));
    }

    private static string[] FindExperts(string folder, string index)
    {
        var count = Count(index);
        string[] experts = [.. Enumerable.Range(0, count).Select(Expert)];
        if (Array.Find(experts, expert => !Directory.Exists(expert)) is { } missing)
        {
            throw new UserErrorException($"{index} says num_experts: {count}; there is no folder {missing}.");
        }

        return Directory.Exists(Expert(count)) ? throw new UserErrorException($"{index} says num_experts: {count}; there is a folder {Expert(count)} besides.") : experts;

        string Expert(int k) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"expert_{k}"));
    }

    private static string? FindRouter(string folder, int experts)
    {
        var router = Path.Combine(folder, "router");
        return Directory.Exists(router) ? router
            : experts == 1 ? null : throw new UserErrorException($"{folder} has {experts} experts and no folder {router}: without a router nothing tells which expert to ask.");
    }

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

    private static string? Present(string folder, string name, Func<string, bool> exists) => Path.Combine(folder, name) is var path && exists(path) ? path : null;
}
