using System.CommandLine;
using System.Text;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm submit</c>: hands a spec to a server; the same spec again changes nothing.</summary>
internal static class SubmitCommand
{
    public static Command Create()
    {
        var spec = SpecFile.Argument();
        var root = new Option<string?>("--root")
        {
            Description = "Folder on the server that the spec's paths start at [default: the spec's own where the server is this machine, else the server's first Ddm:SourceRoots]",
            HelpName = "DIR",
        };
        var json = CommonOptions.Json();
        var command = new Command("submit", "Submit a spec to a server. Example: ddm submit cats.yaml --server http://localhost:5080") { spec, root, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var server = RunPlaces.RequireServer(parsed);
            return await SubmitAsync(server, parsed.GetRequiredValue(spec), parsed.GetValue(root), parsed.GetValue(json), cancellationToken);
        });
        return command.AtAPlace();
    }

    private static async Task<int> SubmitAsync(ServerClient server, string specFile, string? root, bool json, CancellationToken cancellationToken)
    {
        var text = await SpecFile.ReadAsync(specFile, cancellationToken);
        RunSpecReader.Read(text, specFile); // mistakes are told with the file's own name, and at once
        root ??= server.Address.IsLoopback ? Path.GetDirectoryName(Path.GetFullPath(specFile)) : null;
        using var body = new StringContent(JsonSerializer.Serialize(new { spec = text, root }), Encoding.UTF8, "application/json");
        var (facts, created) = await server.SubmitAsync<RunFacts>("/runs", body, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(facts, BlobJson.Options));
            return CommandHost.Success;
        }

        Console.WriteLine(created ? $"{facts.Run} is submitted." : $"{facts.Run} was submitted before with this spec: {facts.Status}, stage {facts.Stage}.");
        Console.WriteLine($"  watch    ddm watch {facts.Run}");
        Console.WriteLine($"  look     ddm status {facts.Run}");
        return CommandHost.Success;
    }
}
