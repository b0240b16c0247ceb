using System.CommandLine;
using System.Globalization;
using System.Text.Json;
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
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var name = parsed.GetRequiredValue(run);
            var count = parsed.GetValue(n);
            if (count is < 1 or > MostPictures)
            {
                throw new UserErrorException($"--n {count}: give 1 to {MostPictures} pictures.");
            }

            var target = parsed.GetValue(output) ?? $"{name}-samples.png";
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

        return [.. Enumerable.Repeat(asked == "none" ? -1 : Find(names, asked), count)];
    }

    private static long Find(IReadOnlyList<string> names, string asked)
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
