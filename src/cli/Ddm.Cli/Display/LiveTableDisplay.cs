using System.Globalization;
using Ddm.Runs;
using Ddm.Services;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Ddm.Cli;

/// <summary>A table that is redrawn twice a second: role, step/target, images/s, loss, ETA, age of the last commit.</summary>
internal sealed class LiveTableDisplay : ProgressDisplay
{
    private static readonly TimeSpan RedrawEvery = TimeSpan.FromSeconds(0.5);
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, RoleRow> rows = new(StringComparer.Ordinal);
    private readonly List<string> notices = [];
    private readonly TimeProvider time = TimeProvider.System;
    private readonly IngestRate ingest = new(TimeProvider.System);
    private readonly TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task drawing;
    private string stage = "starting";

    public LiveTableDisplay() => drawing = AnsiConsole.Live(Render()).StartAsync(DrawAsync);

    public override void Stage(RunStage runStage, int done, int total)
    {
        lock (gate)
        {
            var hasRate = stage.StartsWith($"{runStage}:", StringComparison.Ordinal); // which says more
            stage = hasRate && done > 0 && done < total ? stage : total > 1 ? $"{runStage} {done}/{total}" : $"{runStage}";
        }
    }

    public override void Ingest(long done, long total)
    {
        lock (gate)
        {
            stage = ingest.Text(done, total);
        }
    }

    public override void Encoding(EncodingProgress progress)
    {
        lock (gate)
        {
            stage = EncodingText.Line(progress);
        }
    }

    public override void Training(TrainingProgress progress)
    {
        lock (gate)
        {
            var rate = progress.ImagesPerSecond;
            if (rows.TryGetValue(progress.Role.Path, out var row))
            {
                rows[progress.Role.Path] = row.Next(progress, time.GetUtcNow());
            }
            else
            {
                rows[progress.Role.Path] = new RoleRow(progress, rate, 0, time.GetUtcNow());
            }
        }
    }

    public override void Notice(string message)
    {
        lock (gate)
        {
            notices.Add(message);
        }
    }

    public override void Close()
    {
        closed.TrySetResult();
        drawing.GetAwaiter().GetResult();
    }

    public override void Dispose()
    {
        Close();
        base.Dispose();
    }

    private async Task DrawAsync(LiveDisplayContext context)
    {
        while (!closed.Task.IsCompleted)
        {
            context.UpdateTarget(Render());
            await Task.WhenAny(closed.Task, Task.Delay(RedrawEvery, time));
        }

        context.UpdateTarget(Render());
    }

    private Rows Render()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            var parts = new List<IRenderable> { new Markup($"[bold]{Markup.Escape(stage)}[/]{Eta()}") };
            if (rows.Count > 0)
            {
                var table = new Table().Border(TableBorder.Rounded).AddColumns("role", "step", "images/s", "loss", "ETA", "last commit");
                foreach (var column in table.Columns.Skip(1))
                {
                    column.RightAligned();
                }

                foreach (var row in rows.Values)
                {
                    table.AddRow(row.Cells(now));
                }

                parts.Add(table);
            }

            parts.AddRange(notices.TakeLast(3).Select(n => new Markup($"[yellow]{Markup.Escape(n)}[/]")));
            return new Rows(parts);
        }
    }

    // All roles share this machine, so what remains is the sum of what each needs.
    private string Eta()
    {
        var left = rows.Values.Sum(r => r.SecondsLeft ?? 0);
        return left > 0 ? string.Create(CultureInfo.InvariantCulture, $"  about {TrainingText.Span(TimeSpan.FromSeconds(left))} of training left") : "";
    }

    private sealed record RoleRow(TrainingProgress Latest, double Rate, double StepsPerSecond, DateTimeOffset At)
    {
        public double? SecondsLeft => Latest.Step >= Latest.Target ? 0 : StepsPerSecond > 0 ? (Latest.Target - Latest.Step) / StepsPerSecond : null;

        public RoleRow Next(TrainingProgress next, DateTimeOffset now)
        {
            var (steps, seconds) = (next.Step - Latest.Step, (now - At).TotalSeconds);
            var moved = Latest.Active && steps > 0 && seconds > 0;
            return new RoleRow(next, next.ImagesPerSecond > 0 ? next.ImagesPerSecond : Rate, moved ? steps / seconds : StepsPerSecond, now);
        }

        public string[] Cells(DateTimeOffset now) =>
        [
            Latest.Active ? $"[green]{Latest.Role}[/]" : $"{Latest.Role}",
            string.Create(CultureInfo.InvariantCulture, $"{Latest.Step}/{Latest.Target}"),
            Rate > 0 ? Rate.ToString("F0", CultureInfo.InvariantCulture) : "-",
            TrainingText.Loss(Latest),
            Latest.Step >= Latest.Target ? "done" : SecondsLeft is { } left ? TrainingText.Span(TimeSpan.FromSeconds(left)) : "-",
            Latest.CommittedAt is { } at ? $"{TrainingText.Span(now - at)} ago" : "-",
        ];
    }
}
