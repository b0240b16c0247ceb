using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm eval</c>: does a classifier, trained on the run's own training rows, find the asked class in drawn pictures.</summary>
internal static class EvalCommand
{
    private const int MostPictures = 100_000;

    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var sampling = new SamplingOptions();
        var n = new Option<int>("--n") { Description = "Pictures, every class in turn", DefaultValueFactory = _ => 1000 };
        var seed = new Option<long>("--seed") { Description = "Seed of the first picture", DefaultValueFactory = _ => 0 };
        var command = new Command("eval", "Measure how often drawn pictures show the class they were asked for. Example: ddm eval cats --n 1000") { run, n, seed, json };
        sampling.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var count = parsed.GetValue(n);
            if (count is < 1 or > MostPictures)
            {
                throw new UserErrorException($"--n {count}: give 1 to {MostPictures} pictures.");
            }

            var blobs = CommonOptions.StoreOf(parsed);
            await using var session = new DrawingSession(blobs);
            using var model = await session.Loader.OpenAsync(parsed.GetRequiredValue(run), cancellationToken);
            var request = sampling.Read(parsed, model) with { Seeds = SampleCommand.Seeds(parsed.GetValue(seed), count) };
            var result = await new AgreementMeasurement(blobs, session.Device).MeasureAsync(model, request, cancellationToken);
            Show(result, model.Manifest.ClassNames, request.Strategy.ToString(), parsed.GetValue(json));
            return CommandHost.Success;
        });
        return command;
    }

    private static void Show(ClassAgreementResult result, IReadOnlyList<string> names, string strategy, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(result, BlobJson.Options));
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("class", "drawn pictures agree", "held-out real pictures agree");
        for (var c = 0; c < names.Count; c++)
        {
            table.AddRow(Markup.Escape(names[c]), Percent(result.PerClass[c]), Percent(result.Calibration?.PerClass[c] ?? double.NaN));
        }

        AnsiConsole.Write(table.AddRow("[bold]all[/]", $"[bold]{Percent(result.Overall)}[/]", Percent(result.Calibration?.Overall ?? double.NaN)));
        Console.WriteLine($"{result.Pictures} pictures by {strategy} routing; the worst class agrees on {Percent(result.WorstClass)}.");
    }

    private static string Percent(double share) => double.IsNaN(share) ? "-" : share.ToString("P1", CultureInfo.InvariantCulture);
}
