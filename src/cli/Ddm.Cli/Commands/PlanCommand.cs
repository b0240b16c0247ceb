using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm plan</c>: what a run would take on this machine.</summary>
internal static class PlanCommand
{
    private const int WidthOfFiles = 150;

    public static Command Create()
    {
        var spec = SpecFile.Argument();
        var json = CommonOptions.Json();
        var command = new Command("plan", "Foretell time, FLOPs, memory, disk and bytes moved from a short measurement. Example: ddm plan cats.yaml") { spec, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var file = parsed.GetRequiredValue(spec);
            var read = RunSpecReader.Read(await SpecFile.ReadAsync(file, cancellationToken), file);
            using var device = new DeviceThread();
            var forecast = await new Forecaster(device).MeasureAsync(read, Path.GetDirectoryName(Path.GetFullPath(file))!);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(forecast, BlobJson.Options));
            }
            else
            {
                Show(forecast);
            }

            return CommandHost.Success;
        });
        return command;
    }

    private static void Show(RunForecast forecast)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = WidthOfFiles;
        }

        var roles = new Table().Border(TableBorder.Rounded).AddColumns("role", "parameters", "steps", "images/s", "time", "TFLOP", "checkpoint", "commits", "basis");
        foreach (var role in forecast.Roles)
        {
            roles.AddRow(
                $"{role.Count} x {role.Role}", Number(role.Parameters), Number(role.Steps), role.ImagesPerSecond.ToString("F0", CultureInfo.InvariantCulture),
                Time(role.Seconds), Tera(role.Flops), ByteText.Of(role.CheckpointBytes), Number(role.Count * role.Commits), role.Basis);
        }

        var stages = new Table().Border(TableBorder.Rounded).AddColumns("stage", "time", "TFLOP", "disk", "written", "read", "basis");
        foreach (var stage in forecast.Stages)
        {
            stages.AddRow(
                stage.Stage, Time(stage.Seconds), Tera(stage.Flops), ByteText.Of(stage.Disk), ByteText.Of(stage.Written), ByteText.Of(stage.Read), stage.Basis);
        }

        stages.AddRow(
            "[bold]all[/]", Time(forecast.Seconds), Tera(forecast.Stages.Sum(s => s.Flops)), ByteText.Of(forecast.Disk), ByteText.Of(forecast.Written),
            ByteText.Of(forecast.Read), "");
        AnsiConsole.Write(roles);
        AnsiConsole.Write(stages);
        Console.WriteLine($"Peak memory of training about {ByteText.Of(forecast.PeakMemory)}.");
        foreach (var note in forecast.Notes)
        {
            Console.WriteLine("  " + note);
        }
    }

    private static string Time(double seconds) => TrainingText.Span(TimeSpan.FromSeconds(seconds));

    private static string Tera(double flops) => (flops / 1e12).ToString(flops < 1e13 ? "F2" : "F0", CultureInfo.InvariantCulture);

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
