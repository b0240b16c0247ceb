using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>Draws pictures at a gateway: the same pictures as here, for the same seeds and settings.</summary>
/// <param name="server">The gateway.</param>
/// <param name="model">The model's name.</param>
internal sealed class ServerSampling(ServerClient server, string model)
{
    private const int MostInARequest = 10;
    private const int AtOnce = 8;
    private const string Generations = "/v1/images/generations";

    /// <summary>Classes of the model in the order of their labels; none for a model without.</summary>
    public async Task<IReadOnlyList<string>> ClassesAsync(CancellationToken cancellationToken)
        => [.. (await server.GetAsync<JsonElement>($"/v1/models/{model}", cancellationToken)).GetProperty("classes").EnumerateArray().Select(name => name.GetString()!)];

    /// <summary>Draws a picture for each seed.</summary>
    /// <param name="seeds">Consecutive.</param>
    /// <param name="labels">A class for each, -1 for none; null: the model has none.</param>
    /// <param name="prompts">A caption for each; null: none.</param>
    /// <param name="settings">What else a request says.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The pictures in order, [C, H, W] each, and what the gateway told of them.</returns>
    public async Task<(IReadOnlyList<PixelImage> Pictures, JsonArray Told)> DrawAsync(
        IReadOnlyList<long> seeds, IReadOnlyList<long>? labels, IReadOnlyList<string?>? prompts, JsonObject settings, CancellationToken cancellationToken)
    {
        var requests = Split(seeds.Count, i => (labels?[i], prompts?[i])).ToArray();
        var answers = new JsonElement[requests.Length];
        await Parallel.ForAsync(0, requests.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (at, token) =>
        {
            var (first, count) = requests[at];
            var body = (JsonObject)settings.DeepClone();
            (body["model"], body["n"], body["seed"]) = (model, count, seeds[first]);
            if (labels is not null)
            {
                body["class_label"] = labels[first];
            }
            else
            {
                body["prompt"] = prompts?[first] ?? "";
            }

            answers[at] = await server.PostAsync<JsonElement>(Generations, JsonContent.Create(body), token);
        });
        var pictures = answers.SelectMany(answer => answer.GetProperty("data").EnumerateArray()).Select(picture => ImageCodec.DecodePng(picture.GetProperty("b64_json").GetBytesFromBase64()));
        return ([.. pictures], [.. answers.Select(WithoutFiles)]);
    }

    // Pictures of one request have seeds that follow each other and one condition.
    private static IEnumerable<(int First, int Count)> Split<T>(int count, Func<int, T> condition)
    {
        for (var first = 0; first < count;)
        {
            var next = first + 1;
            while (next < count && next - first < MostInARequest && Equals(condition(next), condition(first)))
            {
                next++;
            }

            yield return (first, next - first);
            first = next;
        }
    }

    private static JsonNode WithoutFiles(JsonElement answer)
    {
        var told = JsonNode.Parse(answer.GetRawText())!;
        foreach (var picture in told["data"]!.AsArray())
        {
            picture!.AsObject().Remove("b64_json");
        }

        return told;
    }

    /// <summary>Finds the label of a class by name or number.</summary>
    /// <exception cref="UserErrorException">There is no such class.</exception>
    public static long FindClass(IReadOnlyList<string> names, string asked)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (string.Equals(names[i], asked, StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        return int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < names.Count
            ? number
            : throw new UserErrorException($"--class {asked}: there is no such class. Classes: {string.Join(", ", names.Select((name, i) => $"{i} {name}"))}, or none.");
    }
}
