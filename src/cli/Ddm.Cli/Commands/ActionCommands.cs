using System.CommandLine;
using System.Text.Json;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm cancel</c>, <c>pause</c>, <c>resume</c> and <c>retry</c>.</summary>
internal static class ActionCommands
{
    public static IEnumerable<Command> Create() =>
    [
        Create(RunAction.Cancel, "End a run for good; what was committed stays. Example: ddm cancel cats"),
        Create(RunAction.Pause, "Hold a run until it is resumed. Example: ddm pause cats"),
        Create(RunAction.Resume, "Let a held run go on. Example: ddm resume cats"),
        Create(RunAction.Retry, "Take a failed run up again, once its cause is mended. Example: ddm retry cats"),
    ];

    private static Command Create(RunAction action, string description)
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var command = new Command(action.ToString().ToLowerInvariant(), description) { run, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var place = RunPlaces.Of(parsed);
            var facts = await place.ActAsync(action, parsed.GetRequiredValue(run), cancellationToken);
            Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(facts, BlobJson.Options) : $"{facts.Run}: {facts.Status}, stage {facts.Stage}");
            if (!parsed.GetValue(json) && place.WhatElse(action) is { } besides)
            {
                Console.WriteLine(besides);
            }

            return CommandHost.Success;
        });
        return command.AtAPlace();
    }
}
