using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm run</c>: everything in one process, resumable by the same command.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var spec = new Argument<string>("SPEC") { Description = "Run spec (YAML)" };
        var json = CommonOptions.Json();
        var command = new Command("run", "Train and publish a model from a spec, all in this process; the same command again resumes") { spec, json };
        command.SetAction((parsed, cancellationToken)
            => RunAsync(parsed.GetRequiredValue(spec), CommonOptions.HomeOf(parsed), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string specFile, string home, bool json, CancellationToken cancellationToken)
    {
        var text = await ReadSpecAsync(specFile, cancellationToken);
        var name = RunSpecReader.Read(text, specFile).Name;
        using var runLock = RunLock.Acquire(home, name);
        using var stop = new StopSignal();
        using var signals = new StopOnSignals(stop);
        using var display = ProgressDisplay.For(json);
        await using var host = await EmbeddedHost.StartAsync(new FileBlobStore(home), display, stop, cancellationToken);
        var outcome = await host.RunAsync(text, specFile, cancellationToken);
        display.Close();
        return Finish(outcome, specFile, home, json);
    }

    private static async Task<string> ReadSpecAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot read the spec '{file}': {e.Message} Give the path of a YAML file, for instance samples/quickstart.yaml.", e);
        }
    }

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
