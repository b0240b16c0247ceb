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
        command.SetAction((parsed, cancellationToken)
            => ShowAsync(CommonOptions.StoreOf(parsed), parsed.GetValue(run), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> ShowAsync(IBlobStore blobs, string? run, bool json, CancellationToken cancellationToken)
    {
        var inspector = RunInspector.For(blobs);
        var names = run is null ? await new RunRepository(blobs).NamesAsync(cancellationToken) : [run];
        var facts = new List<RunFacts>();
        foreach (var name in names)
        {
            facts.Add(await inspector.InspectAsync(name, cancellationToken));
        }

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

    private static void ShowAll(List<RunFacts> runs)
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
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static string Time(DateTimeOffset at) => at.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
