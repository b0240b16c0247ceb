using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary><c>ddm status</c>: how the runs stand, from the blobs alone, so that it works beside a running or a dead process.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var run = new Argument<string?>("RUN") { Description = "Name of the run [default: all]", Arity = ArgumentArity.ZeroOrOne };
        var json = CommonOptions.Json();
        var command = new Command("status", "Show how runs stand. Example: ddm status cats") { run, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var place = RunPlaces.Of(parsed);
            return await ShowAsync(place, parsed.GetValue(run), parsed.GetValue(json), cancellationToken);
        });
        return command.AtAPlace();
    }

    private static async Task<int> ShowAsync(IRunPlace place, string? run, bool json, CancellationToken cancellationToken)
    {
        var facts = run is null ? await place.AllAsync(cancellationToken) : [await place.InspectAsync(run, cancellationToken)];
        if (json)
        {
            Console.WriteLine(run is null ? JsonSerializer.Serialize(facts, BlobJson.Options) : JsonSerializer.Serialize(facts[0], BlobJson.Options));
        }
        else if (run is null)
        {
            ShowAll(facts);
        }
        else
        {
            ShowOne(facts[0]);
        }

        return CommandHost.Success;
    }

    private static void ShowAll(IReadOnlyList<RunFacts> runs)
    {
        if (runs.Count == 0)
        {
            Console.WriteLine("There are no runs yet. Start one: ddm run samples/quickstart.yaml");
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("run", "status", "stage", "steps", "submitted");
        foreach (var run in runs)
        {
            var (steps, target) = (run.Roles.Sum(r => r.Step), run.Roles.Sum(r => r.Target));
            table.AddRow(
                Markup.Escape(run.Run), run.Status.ToString(), run.Stage.ToString(), string.Create(CultureInfo.InvariantCulture, $"{steps}/{target}"), Time(run.SubmittedAt));
        }

        AnsiConsole.Write(table);
    }

    private static void ShowOne(RunFacts run)
    {
        Console.WriteLine($"{run.Run}: {run.Status}, stage {run.Stage}, submitted {Time(run.SubmittedAt)}");
        if (run.Failure is not null)
        {
            Console.WriteLine("  " + run.Failure);
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("role", "step", "loss", "held-out", "images/s", "last commit", "worker");
        foreach (var role in run.Roles)
        {
            table.AddRow(
                role.Role,
                string.Create(CultureInfo.InvariantCulture, $"{role.Step}/{role.Target}"),
                Number(role.Loss, "F4"),
                Number(role.HeldOutLoss, "F4"),
                Number(role.ImagesPerSecond, "F0"),
                role.CommittedAt is { } at ? TrainingText.Span(run.Now - at) + " ago" : "-",
                Markup.Escape(role.Worker ?? "-"));
        }

        AnsiConsole.Write(table);

        // Where one process does all, pools say nothing that the table does not.
        foreach (var pool in (run.Pools ?? []).Any(pool => pool.Workers.Count > 0) ? run.Pools! : [])
        {
            Console.WriteLine($"pool {pool.Name}: {Workers(pool)}{Roles("in training", pool.Training)}{Roles("waiting", pool.Waiting)}");
        }
    }

    private static string Workers(PoolFacts pool)
    {
        var able = pool.Workers.Count(worker => worker.TakesSlices);
        var cordoned = pool.Workers.Count(worker => worker.Alive && worker.Cordoned is not null);
        return $"{able switch { 0 => "no worker", 1 => "1 worker", _ => string.Create(CultureInfo.InvariantCulture, $"{able} workers") }}{(cordoned == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({cordoned} more cordoned)"))}";
    }

    private static string Roles(string how, IReadOnlyList<string> roles) => roles.Count == 0 ? "" : $"; {how}: {string.Join(", ", roles)}";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static string Time(DateTimeOffset at) => at.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
