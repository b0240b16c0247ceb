using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary>
/// <c>ddm eval</c>: does a classifier, trained on the run's own training rows, find the asked class in drawn pictures; of a model of captions, what these are worth on held-out pictures.
/// </summary>
internal static class EvalCommand
{
    private const int MostPictures = 100_000;
    private const int MostDraws = 1000;

    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var sampling = new SamplingOptions();
        var n = new Option<int>("--n") { Description = "Pictures, every class in turn", DefaultValueFactory = _ => 1000 };
        var seed = new Option<long>("--seed") { Description = "Seed of the first picture", DefaultValueFactory = _ => 0 };
        var blind = new Option<string?>("--blind-router") { Description = "Of a model of captions: a model of the same clusters whose router is compared as one that sees no caption [default: the model's own, told of none]" };
        var draws = new Option<int>("--draws") { Description = "Of a model of captions: noises of every held-out picture in each tenth of t", DefaultValueFactory = _ => 4 };
        var command = new Command("eval", "Measure how often drawn pictures show the class they were asked for; of a model of captions, what these are worth. Example: ddm eval cats --n 1000")
        {
            run, n, seed, blind, draws, json,
        };
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
            if (model.Captions is not null)
            {
                RefuseGiven(parsed, [n, .. sampling.All], "measures no drawn pictures of a model of captions");
                var noises = parsed.GetValue(draws);
                if (noises is < 1 or > MostDraws)
                {
                    throw new UserErrorException($"--draws {noises}: give 1 to {MostDraws}.");
                }

                var options = new CaptionOptions { Seed = parsed.GetValue(seed), Draws = noises };
                using var other = parsed.GetValue(blind) is { } name ? await session.Loader.OpenAsync(name, cancellationToken) : null;
                Show(await new CaptionMeasurement(blobs, session.Device).MeasureAsync(model, other, options, cancellationToken), parsed.GetValue(json));
                return CommandHost.Success;
            }

            RefuseGiven(parsed, [blind, draws], "measures captions, and this model knows none");
            var request = sampling.Read(parsed, model) with { Seeds = SampleCommand.Seeds(parsed.GetValue(seed), count) };
            var result = await new AgreementMeasurement(blobs, session.Device).MeasureAsync(model, request, cancellationToken);
            Show(result, model.Manifest.ClassNames, request.Strategy.ToString(), parsed.GetValue(json));
            return CommandHost.Success;
        });
        return command;
    }

    private static void RefuseGiven(ParseResult parsed, IReadOnlyList<Option> options, string why)
    {
        if (options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UserErrorException($"{given.Name} has no effect here: ddm eval {why}. Leave it out.");
        }
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

    private static void Show(CaptionReport report, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, BlobJson.Options));
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("t", "own caption", "another's", "none", "another's - own");
        foreach (var bin in report.Bins)
        {
            table.AddRow(Text($"{bin.From:F1} to {bin.To:F1}"), Text($"{bin.Right:F4}"), Text($"{bin.Wrong:F4}"), Text($"{bin.None:F4}"), Difference(bin.WrongMinusRight));
        }

        table.AddRow("[bold]all[/]", Text($"{report.Right:F4}"), Text($"{report.Wrong:F4}"), Text($"{report.None:F4}"), Difference(report.WrongMinusRight));
        AnsiConsole.Write(table);
        Console.WriteLine(Text($"Error of the velocity on {report.Rows} held-out pictures; another's caption is of the same cluster. The own caption wins for {report.RightWins:P1} of them."));
        var routing = report.Routing;
        Console.WriteLine(Text($"Top-1 at t from {routing.From:F1}: the router that sees captions finds the cluster in {routing.SeeingAccuracy:P1} (error {routing.SeeingError:F4}),"));
        Console.WriteLine(Text($"  {routing.Blind} in {routing.BlindAccuracy:P1} (error {routing.BlindError:F4}); blind - seeing {Difference(routing.BlindMinusSeeing)}; with the true cluster {routing.OwnError:F4}."));
    }

    private static string Difference(PairedMean difference) => Text($"{difference.Mean:F4} ± {difference.StandardError:F4}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Percent(double share) => double.IsNaN(share) ? "-" : share.ToString("P1", CultureInfo.InvariantCulture);
}
