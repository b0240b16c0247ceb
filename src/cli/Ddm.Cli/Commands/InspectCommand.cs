using System.CommandLine;
using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm inspect</c>: what is committed, to the bit: step, epoch and the hash of each role's weights.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Show every role's step, epoch and the SHA-256 of its weights. Example: ddm inspect cats --json") { run, json };
        command.SetAction((parsed, cancellationToken)
            => InspectAsync(CommonOptions.StoreOf(parsed), parsed.GetRequiredValue(run), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> InspectAsync(IBlobStore blobs, string run, bool json, CancellationToken cancellationToken)
    {
        var facts = await RunInspector.For(blobs).InspectAsync(run, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(facts, BlobJson.Options));
            return CommandHost.Success;
        }

        Console.WriteLine($"{facts.Run}  {facts.Status}, stage {facts.Stage}");
        foreach (var role in facts.Roles)
        {
            Console.WriteLine($"{role.Role,-12} step {role.Step,7}/{role.Target,-7} epoch {role.Epoch,3}  weights {role.Sha256 ?? "(no checkpoint yet)"}");
        }

        return CommandHost.Success;
    }
}
