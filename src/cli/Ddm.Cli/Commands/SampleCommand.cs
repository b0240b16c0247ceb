using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm sample</c>: pictures from a published model, or from a run as far as it has come.</summary>
internal static class SampleCommand
{
    private const int MostPictures = 4096;
    private const int WidestGrid = 16;
    private const int MostClassColumns = 64;

    public static Command Create()
    {
        var run = CommonOptions.Run();
        var sampling = new SamplingOptions();
        var n = new Option<int>("--n") { Description = "Pictures", DefaultValueFactory = _ => 16 };
        var seed = new Option<long>("--seed") { Description = "Seed of the first picture; picture i has seed SEED + i", DefaultValueFactory = _ => 0 };
        var label = new Option<string?>("--class") { Description = "Class, by name or number; 'none': no class [default: every class in turn]" };
        var prompts = new PromptOptions();
        var output = new Option<string?>("--out") { Description = "PNG file; the routing goes beside it as .json [default: RUN-samples.png]" };
        var command = new Command("sample", "Draw pictures; of an unfinished run, from the experts that have committed. Example: ddm sample cats --n 40 --seed 7") { run, n, seed, label, output };
        prompts.AddTo(command);
        sampling.AddTo(command);
        var server = new Option<string?>("--server") { Description = "Let this gateway draw ('ddm serve'), instead of this process", HelpName = "URL" };
        command.Add(server);
        command.Add(RunPlaces.Key);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var name = parsed.GetRequiredValue(run);
            var count = parsed.GetValue(n);
            if (count is < 1 or > MostPictures)
            {
                throw new UserErrorException($"--n {count}: give 1 to {MostPictures} pictures.");
            }

            var target = parsed.GetValue(output) ?? $"{name}-samples.png";
            if (parsed.GetValue(server) is { } address)
            {
                using var client = RunPlaces.ServerOf(address, parsed);
                return await DrawThereAsync(
                    new ServerSampling(client, name), Seeds(parsed.GetValue(seed), count), parsed.GetValue(label), prompts.Read(parsed, count), sampling.ToFields(parsed), target, cancellationToken);
            }

            await using var session = new DrawingSession(CommonOptions.StoreOf(parsed));
            using var model = await session.Loader.OpenAsync(name, cancellationToken);
            var labels = Labels(model, parsed.GetValue(label), count);
            var (captions, negative) = await prompts.ReadAsync(parsed, model, count, cancellationToken);
            PromptOptions.RequireEffect(negative, sampling.Read(parsed, model).Guidance);
            var request = sampling.Read(parsed, model) with { Seeds = Seeds(parsed.GetValue(seed), count), Labels = labels };
            return await DrawAsync(session, model, request, captions, negative, target, cancellationToken);
        });
        return command;
    }

    /// <summary>Consecutive seeds.</summary>
    internal static long[] Seeds(long first, int count) => first >= 0 && first <= long.MaxValue - count
        ? [.. Enumerable.Range(0, count).Select(i => first + i)]
        : throw new UserErrorException($"--seed {first}: give a number from 0 to {long.MaxValue - count}.");

    private static async Task<int> DrawAsync(
        DrawingSession session, LoadedModel model, SampleRequest request, IReadOnlyList<string?>? prompts, string? negative, string target, CancellationToken cancellationToken)
    {
        foreach (var notice in model.Notices)
        {
            await Console.Error.WriteLineAsync("partial: " + notice);
        }

        var (png, record) = await session.Device.RunAsync(() =>
        {
            using var text = prompts is null ? null : model.Captions!.Encode(prompts);
            using var away = negative is null ? null : model.Captions!.Encode([.. Enumerable.Repeat(negative, request.Seeds.Count)]);
            var asked = request with { Text = text, NegativeText = away };
            using var result = model.Sampler().Sample(asked, null, cancellationToken);
            return (Drawings.Grid(result, Columns(model, request, prompts)), DrawingRecord.Of(model, asked, result, prompts, negative));
        });
        var json = Path.ChangeExtension(target, ".json");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        await File.WriteAllBytesAsync(target, png, cancellationToken);
        await File.WriteAllTextAsync(json, JsonSerializer.Serialize(record, BlobJson.Options), cancellationToken);
        Console.WriteLine($"{request.Seeds.Count} pictures of {record.Model}{(record.Partial ? " (partial)" : "")} by {record.Strategy} routing, {record.Steps} steps");
        Console.WriteLine("  forwards " + Forwards(record));
        Console.WriteLine("  near-tied " + NearTies(record));
        Console.WriteLine("  pictures " + Path.GetFullPath(target));
        Console.WriteLine("  routing  " + Path.GetFullPath(json));
        return CommandHost.Success;
    }

    private static async Task<int> DrawThereAsync(
        ServerSampling gateway, long[] seeds, string? label, (IReadOnlyList<string?>? Prompts, string? Negative) captions, JsonObject settings, string target, CancellationToken cancellationToken)
    {
        var classes = captions.Prompts is null ? await gateway.ClassesAsync(cancellationToken) : [];
        if (label is not (null or "none") && classes.Count == 0)
        {
            throw new UserErrorException($"--class {label}: the model has no classes; leave --class out.");
        }

        long[]? labels = classes.Count == 0 ? null
            : [.. seeds.Select((_, i) => label is null ? i % classes.Count : label == "none" ? -1 : ServerSampling.FindClass(classes, label))];
        if (captions.Negative is { } negative)
        {
            settings["negative_prompt"] = negative;
        }

        var (pictures, told) = await gateway.DrawAsync(seeds, labels, captions.Prompts, settings, cancellationToken);
        var columns = label is null && classes.Count is > 1 and <= MostClassColumns ? Math.Min(classes.Count, seeds.Length) : Math.Min(WidestGrid, (int)Math.Ceiling(Math.Sqrt(seeds.Length)));
        var json = Path.ChangeExtension(target, ".json");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        await File.WriteAllBytesAsync(target, Drawings.Grid(pictures, columns), cancellationToken);
        await File.WriteAllTextAsync(json, told.ToJsonString(BlobJson.Options), cancellationToken);
        Console.WriteLine($"{seeds.Length} pictures of {told[0]!["model"]}/{told[0]!["model_version"]} by {told[0]!["strategy"]} routing, {told[0]!["steps"]} steps");
        Console.WriteLine("  pictures " + Path.GetFullPath(target));
        Console.WriteLine("  routing  " + Path.GetFullPath(json));
        return CommandHost.Success;
    }

    private static string Forwards(DrawingRecord record)
        => string.Create(CultureInfo.InvariantCulture, $"{record.ExpertRows.Sum():N0} rows of experts ({string.Join(", ", record.ExpertRows)}), {record.RouterRows:N0} of the router");

    private static string NearTies(DrawingRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{record.NearTies:N0} of {record.Pictures.Count * record.Steps:N0} choices, in {record.Pictures.Count(p => p.NearTies.Count > 0):N0} pictures (within a probability of {record.NearTieMargin:R})");

    // With every class or prompt in turn a column is one of them, if they are not too many; else as square as it gets.
    private static int Columns(LoadedModel model, SampleRequest request, IReadOnlyList<string?>? prompts)
    {
        if (prompts?.Distinct().Count() is { } different and > 1 and <= WidestGrid)
        {
            return Math.Min(different, request.Seeds.Count);
        }

        var classes = model.Manifest.ClassNames.Count;
        var cycling = request.Labels is { Count: > 1 } labels && labels.Distinct().Count() > 1;
        return cycling && classes <= MostClassColumns ? Math.Min(classes, request.Seeds.Count) : Math.Min(WidestGrid, (int)Math.Ceiling(Math.Sqrt(request.Seeds.Count)));
    }

    private static long[]? Labels(LoadedModel model, string? asked, int count)
    {
        var names = model.Manifest.ClassNames;
        if (model.Ensemble.NullLabel is not { } none)
        {
            return asked is null or "none" ? null : throw new UserErrorException(model.Captions is null
                ? $"--class {asked}: model {model.Manifest.Name} is unconditional; leave --class out."
                : $"--class {asked}: model {model.Manifest.Name} is conditioned on captions; give --prompt.");
        }

        if (asked is null)
        {
            return [.. Enumerable.Range(0, count).Select(i => i % none)];
        }

        return [.. Enumerable.Repeat(asked == "none" ? -1 : ServerSampling.FindClass(names, asked), count)];
    }
}
