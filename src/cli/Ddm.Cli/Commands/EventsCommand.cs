using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm events</c>: what happened in a run and why, oldest first.</summary>
internal static class EventsCommand
{
    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var command = new Command("events", "Show what happened in a run, and why. Example: ddm events cats --json") { run, json };
        command.Aliases.Add("logs");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (blobs, name) = (CommonOptions.StoreOf(parsed), parsed.GetRequiredValue(run));
            await new RunRepository(blobs).GetAsync(name, cancellationToken);
            var events = await RunEvents.ReadAsync(blobs, name, cancellationToken);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(events, BlobJson.Options));
                return CommandHost.Success;
            }

            foreach (var e in events)
            {
                Console.WriteLine($"{e.At.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}  {e.Kind,-10} {Printable.Line(e.Text)}");
            }

            return CommandHost.Success;
        });
        return command;
    }
}
