using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm run</c>: everything in one process, resumable by the same command.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var spec = SpecFile.Argument();
        var json = CommonOptions.Json();
        var tensorBoard = new Option<string?>("--tensorboard") { Description = "Write TensorBoard event files under DIR, after every commit", HelpName = "DIR" };
        var command = new Command("run", "Train and publish a model from a spec; the same command again resumes. Example: ddm run cats.yaml") { spec, tensorBoard, json };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetRequiredValue(spec), CommonOptions.HomeOf(parsed), parsed.GetValue(tensorBoard), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string specFile, string home, string? tensorBoard, bool json, CancellationToken cancellationToken)
    {
        var text = await SpecFile.ReadAsync(specFile, cancellationToken);
        var name = RunSpecReader.Read(text, specFile).Name;
        using var runLock = RunLock.Acquire(home, name);
        using var stop = new StopSignal();
        using var signals = new StopOnSignals(stop);
        using var display = ProgressDisplay.For(json);
        var blobs = new FileBlobStore(home);
        await using var curves = tensorBoard is null ? null : new TensorBoardProgress(display, Export(blobs, tensorBoard), name);
        RunDocument outcome;
        await using (var host = await EmbeddedHost.StartAsync(blobs, curves ?? (IRunProgress)display, stop, cancellationToken))
        {
            outcome = await host.RunAsync(text, specFile, cancellationToken);
        }

        if (curves is not null)
        {
            await curves.DisposeAsync();
        }

        display.Close();
        return Finish(outcome, specFile, home, json);
    }

    private static TensorBoardExport Export(FileBlobStore blobs, string folder)
        => new(blobs, new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance), new RunRepository(blobs), folder);

    private static int Finish(RunDocument document, string specFile, string home, bool json)
    {
        if (json)
        {
            return ExitCode(document);
        }

        var name = document.Name;
        switch (document.Status)
        {
            case RunStatus.Succeeded:
                AnsiConsole.MarkupLineInterpolated($"[green]{name} is done.[/] Model {name}/{document.ModelVersion} is published.");
                Console.WriteLine("  samples  " + Path.Combine(home, BlobNames.SampleGrid(name)));
                Console.WriteLine("  report   " + Path.Combine(home, BlobNames.Report(name)));
                Console.WriteLine($"  draw     ddm sample {name} --n 16 --seed 1");
                break;
            case RunStatus.Failed:
                Console.Error.WriteLine($"ddm: {name} failed: {document.Failure}");
                Console.Error.WriteLine($"Nothing committed is lost. Once it is mended, go on with: ddm run {specFile}");
                break;
            case RunStatus.Paused:
            case RunStatus.Cancelled:
                Console.Error.WriteLine(document.Status == RunStatus.Paused
                    ? $"ddm: {name} is paused at stage {document.Stage}; all committed work is kept. 'ddm resume {name}' lets it go on."
                    : $"ddm: {name} was cancelled at stage {document.Stage}; all committed work is kept. 'ddm retry {name}' takes it up again.");
                break;
            default:
                Console.WriteLine($"{name} stopped at stage {document.Stage}; all finished work is committed.");
                Console.WriteLine($"  go on    ddm run {specFile}");
                Console.WriteLine($"  look     ddm status {name}    ddm sample {name}");
                break;
        }

        return ExitCode(document);
    }

    private static int ExitCode(RunDocument document) => document.Status switch
    {
        RunStatus.Succeeded => CommandHost.Success,
        RunStatus.Failed => document.Refused ? CommandHost.UserError : CommandHost.Failure,
        _ => CommandHost.Interrupted,
    };
}
