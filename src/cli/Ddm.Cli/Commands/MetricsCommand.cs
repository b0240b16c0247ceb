using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Training;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm metrics</c>: a run's curves from its blobs: a summary, every step as JSON or CSV, or TensorBoard files.</summary>
internal static class MetricsCommand
{
    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var csv = new Option<bool>("--csv") { Description = "Print every step as comma-separated values" };
        var tensorBoard = new Option<string?>("--tensorboard") { Description = "Write TensorBoard event files under DIR", HelpName = "DIR" };
        var command = new Command("metrics", "Show or export loss curves. Example: ddm metrics cats --tensorboard logs") { run, json, csv, tensorBoard };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var name = parsed.GetRequiredValue(run);
            using var place = RunPlaces.Of(parsed);
            if (parsed.GetValue(tensorBoard) is { } folder)
            {
                return await ExportAsync(place is HomePlace, parsed, name, folder, cancellationToken);
            }

            var curves = await place.MetricsAsync(name, cancellationToken);
            foreach (var text in curves.SelectMany(curve => curve.Damaged))
            {
                await Console.Error.WriteLineAsync("note: " + text);
            }

            Show([.. curves.Select(curve => (curve.Role, curve.Steps))], parsed.GetValue(json), parsed.GetValue(csv));
            return CommandHost.Success;
        });
        return command.AtAPlace();
    }

    private static async Task<int> ExportAsync(bool home, ParseResult parsed, string run, string folder, CancellationToken cancellationToken)
    {
        if (!home)
        {
            throw new UserErrorException("--tensorboard reads a home folder; from a server take --csv or --json.");
        }

        var blobs = CommonOptions.StoreOf(parsed);
        var export = new TensorBoardExport(blobs, new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance), new RunRepository(blobs), folder);
        Console.WriteLine($"{await export.SyncAsync(run, cancellationToken)} steps added under {Path.Combine(folder, run)}. Look: tensorboard --logdir {folder}");
        return CommandHost.Success;
    }

    private static void Show(List<(string Role, IReadOnlyList<StepMetrics> Steps)> curves, bool json, bool csv)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(curves.Select(curve => new { curve.Role, curve.Steps }), BlobJson.Options));
        }
        else if (csv)
        {
            Console.WriteLine("role,step,loss,grad_norm,learning_rate,images,seconds,held_out_loss");
            foreach (var (role, steps) in curves)
            {
                foreach (var m in steps)
                {
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"{role},{m.Step},{m.Loss:R},{m.GradNorm:R},{m.LearningRate:R},{m.Images},{m.Seconds:R},{m.HeldOutLoss:R}"));
                }
            }
        }
        else
        {
            Summarise(curves);
        }
    }

    private static void Summarise(List<(string Role, IReadOnlyList<StepMetrics> Steps)> curves)
    {
        const int Recent = 20;
        var table = new Table().Border(TableBorder.Rounded).AddColumns("role", "steps", "first loss", "last loss", "held-out", "grad norm", "rate", "images/s");
        foreach (var (role, steps) in curves)
        {
            if (steps.Count == 0)
            {
                table.AddRow(role, "0", "-", "-", "-", "-", "-", "-");
                continue;
            }

            var recent = steps.TakeLast(Recent).ToArray();
            table.AddRow(
                role, Text(steps.Count, "F0"), Text(steps.Take(Recent).Average(m => m.Loss), "F4"), Text(recent.Average(m => m.Loss), "F4"),
                Text(steps.LastOrDefault(m => m.HeldOutLoss is not null)?.HeldOutLoss, "F4"), Text(recent.Average(m => m.GradNorm), "F3"),
                Text(recent[^1].LearningRate, "G3"), Text(steps.Sum(m => m.Images) / steps.Sum(m => m.Seconds), "F0"));
        }

        AnsiConsole.Write(table);
        Console.WriteLine("Losses are means of 20 steps. Every step: --csv or --json; curves: --tensorboard DIR.");
    }

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
