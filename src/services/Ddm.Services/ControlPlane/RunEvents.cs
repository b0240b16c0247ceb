using System.Globalization;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What happened in a run and why, kept beside it: <c>runs/{run}/events/</c>.</summary>
public sealed class RunEvents(IBlobStore blobs, WorkerIdentity worker, TimeProvider time)
{
    private static readonly JsonSerializerOptions Line = new(BlobJson.Options) { WriteIndented = false };
    private readonly string writer = worker.Name.Replace(':', '-');
    private int written;

    /// <summary>Events of what a person does by the command line.</summary>
    public static RunEvents For(IBlobStore blobs) => new(
        blobs, new WorkerIdentity(string.Create(CultureInfo.InvariantCulture, $"cli:{Environment.MachineName}:{Environment.ProcessId}"), _ => false), TimeProvider.System);

    /// <summary>Adds an event. Each is a blob of its own, so that writers never meet.</summary>
    public async Task AddAsync(string run, string kind, string text, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var name = string.Create(
            CultureInfo.InvariantCulture, $"{BlobNames.Events(run)}{now:yyyyMMddHH}-{writer}-{Interlocked.Increment(ref written):D6}.jsonl");
        var line = JsonSerializer.SerializeToUtf8Bytes(new RunEvent(now, worker.Name, kind, text), Line);
        await blobs.TryWriteAsync(name, line, WriteCondition.Any, cancellationToken);
    }

    /// <summary>All events of a run, oldest first.</summary>
    public static async Task<IReadOnlyList<RunEvent>> ReadAsync(IBlobStore blobs, string run, CancellationToken cancellationToken)
    {
        var events = new List<RunEvent>();
        await foreach (var blob in blobs.ListAsync(BlobNames.Events(run), cancellationToken))
        {
            if (await blobs.ReadAsync(blob.Name, cancellationToken) is { } content)
            {
                events.Add(Parse(blob.Name, content));
            }
        }

        return [.. events.OrderBy(e => e.At)];
    }

    // Events are told, never acted on: one that cannot be read is told as such.
    internal static RunEvent Parse(string name, BlobContent content)
    {
        try
        {
            return BlobJson.Parse<RunEvent>(name, content.Bytes);
        }
        catch (InvalidDataException e)
        {
            return new RunEvent(content.LastModified, "", RunEvent.Unreadable, e.Message);
        }
    }
}

/// <summary>One thing that happened.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">The worker that saw it.</param>
/// <param name="Kind">One of the constants below.</param>
/// <param name="Text">For a person; of a stage event the stage's name.</param>
public sealed record RunEvent(DateTimeOffset At, string Actor, string Kind, string Text)
{
    /// <summary>The run was created.</summary>
    public const string Submitted = "submitted";

    /// <summary>The run was taken up again.</summary>
    public const string Resumed = "resumed";

    /// <summary>A stage begins.</summary>
    public const string Stage = "stage";

    /// <summary>A role goes on from an earlier checkpoint than its newest, which is damaged.</summary>
    public const string FellBack = "fell back";

    /// <summary>Who had a role, or the lease of the run, was silent for too long: another goes on with it.</summary>
    public const string TakenOver = "taken over";

    /// <summary>A worker that winds down gave its role back.</summary>
    public const string GivenBack = "given back";

    /// <summary>Broker or store were away, and are back.</summary>
    public const string Back = "back";

    /// <summary>Something lost or damaged was made anew.</summary>
    public const string Repaired = "repaired";

    /// <summary>The event's own blob is damaged.</summary>
    public const string Unreadable = "unreadable";

    /// <summary>Something else a person should know: a quarantined image, a retry.</summary>
    public const string Notice = "notice";

    /// <summary>A person held the run.</summary>
    public const string Paused = "paused";

    /// <summary>A person ended the run.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>A role was placed in another pool.</summary>
    public const string Placed = "placed";

    /// <summary>A pool has no worker for what waits in it.</summary>
    public const string NoWorker = "no worker";

    /// <summary>A role was set aside after too many slices without a commit.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>The run stopped and waits for a person.</summary>
    public const string Failed = "failed";

    /// <summary>The event as a line for a person.</summary>
    /// <param name="zone">What its time is told in.</param>
    public string ToLine(TimeZoneInfo zone)
        => $"{TimeZoneInfo.ConvertTime(At, zone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}  {Kind,-10} {Printable.Line(Text)}";
}
