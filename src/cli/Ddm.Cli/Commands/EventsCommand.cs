using System.CommandLine;
using System.Text.Json;
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
            using var place = RunPlaces.Of(parsed);
            var events = await place.EventsAsync(parsed.GetRequiredValue(run), cancellationToken);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(events, BlobJson.Options));
                return CommandHost.Success;
            }

            foreach (var e in events)
            {
                Console.WriteLine(e.ToLine(TimeZoneInfo.Local));
            }

            return CommandHost.Success;
        });
        return command.AtAPlace();
    }
}
