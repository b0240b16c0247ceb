using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm watch</c>: a run's live table, wherever it runs, until it has ended.</summary>
internal static class WatchCommand
{
    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var command = new Command("watch", "Watch a run until it ends; waits for a server that goes away. Example: ddm watch cats") { run, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var place = RunPlaces.Of(parsed);
            return await WatchAsync(place, parsed.GetRequiredValue(run), parsed.GetValue(json), cancellationToken);
        });
        return command.AtAPlace();
    }

    private static async Task<int> WatchAsync(IRunPlace place, string run, bool json, CancellationToken cancellationToken)
    {
        // Ctrl+C must leave the terminal as it was, with its cursor.
        using var stop = new StopSignal();
        using var signals = new StopOnSignals(stop, "The run goes on.");
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        await using var sightings = place.WatchAsync(run, watching.Token).GetAsyncEnumerator(watching.Token);
        if (!await sightings.MoveNextAsync()) // errors are told before a table is drawn
        {
            return CommandHost.Success;
        }

        using var display = ProgressDisplay.For(json);
        var watched = new WatchedRun(display);
        do
        {
            watched.Show(sightings.Current);
        }
        while (await sightings.MoveNextAsync());

        display.Close();
        return Finish(watched.Latest!, json);
    }

    private static int Finish(RunFacts facts, bool json)
    {
        if (!json)
        {
            switch (facts.Status)
            {
                case RunStatus.Succeeded:
                    AnsiConsole.MarkupLineInterpolated($"[green]{facts.Run} is done.[/] Model {facts.Run}/{facts.ModelVersion} is published.");
                    break;
                case RunStatus.Failed:
                    Console.Error.WriteLine($"ddm: {facts.Run} failed: {facts.Failure}");
                    Console.Error.WriteLine($"Nothing committed is lost. Once it is mended, go on with: ddm retry {facts.Run}");
                    break;
                default:
                    Console.WriteLine($"{facts.Run}: {facts.Status}, stage {facts.Stage}.");
                    break;
            }
        }

        return facts.Status switch
        {
            RunStatus.Succeeded => CommandHost.Success,
            RunStatus.Failed => facts.Refused ? CommandHost.UserError : CommandHost.Failure,
            _ => CommandHost.Interrupted,
        };
    }
}
