using System.CommandLine;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm export</c>: a model as a folder that others read.</summary>
internal static class ExportCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "A published model, or a run as it stands" };
    private static readonly Option<string> Format = new("--format")
    {
        Description = "A folder for each network, or a file for each", HelpName = "diffusers|safetensors", DefaultValueFactory = _ => "diffusers",
    };

    private static readonly Option<string?> Output = new("--out") { Description = "The folder to make; an export that is there is replaced [default: MODEL-export]", HelpName = "FOLDER" };
    private static readonly Option<bool> NoSamples = new("--no-samples") { Description = "Draw no pictures for the model card where the run has none" };

    public static Command Create()
    {
        var command = new Command("export", "Write a model as safetensors and JSON, with a model card; 'ddm import' reads it back. Example: ddm export cats --out cats-hf") { Model, Format, Output, NoSamples };
        command.SetAction((parsed, cancellationToken) =>
        {
            var model = parsed.GetRequiredValue(Model);
            var request = new ExportRequest(model, ExportFormats.Parse(parsed.GetRequiredValue(Format)), parsed.GetValue(Output) ?? $"{model}-export") { DrawSamples = !parsed.GetValue(NoSamples) };
            return ExportAsync(request, CommonOptions.StoreOf(parsed), cancellationToken);
        });
        return command;
    }

    private static async Task<int> ExportAsync(ExportRequest request, IBlobStore blobs, CancellationToken cancellationToken)
    {
        await using var session = new DrawingSession(blobs);
        var export = new ModelExport(blobs, session.Catalog, session.Loader, session.Checkpoints, session.Runs, session.Device);
        var exported = await export.ExportAsync(request, part => Console.WriteLine($"  {part}"), cancellationToken);
        var model = exported.Manifest;
        foreach (var role in model.Experts.Append(model.Router).Where(role => role.Step < role.TargetSteps))
        {
            await Console.Error.WriteLineAsync($"partial: {role.Role} has seen {role.Step} of {role.TargetSteps} steps");
        }

        Console.WriteLine($"Model {model.Name}/{model.Version} is exported: {exported.Files} files, {ByteText.Of(exported.Bytes)}.");
        Console.WriteLine($"  folder {exported.Folder}");
        Console.WriteLine($"Read it back with: ddm import {request.Folder} --name NAME");
        return CommandHost.Success;
    }
}
