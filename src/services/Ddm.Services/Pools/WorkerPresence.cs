using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// This process as a worker: what it is at, how fast it is, and whether its slices fail. A machine on which slices of several roles fail one after the
/// other rests: what fails everywhere is a role's fault, what fails only here is this machine's. It tries one slice after each rest, for it may be the only
/// machine there is, and what failed on it may have been killed from outside.
/// </summary>
public sealed class WorkerPresence(IBlobStore blobs, WorkerIdentity worker, WorkerSettings settings, IRoleTrainers trainers, TimeProvider time)
{
    /// <summary>Failures in a row, and the roles among them, from which a machine is set aside.</summary>
    private const int MostFailures = 4, RolesAmongThem = 2;

    private const int MostRates = 16;
    private const int MostDoublings = 8;
    private static readonly TimeSpan FirstRest = TimeSpan.FromMinutes(10), LongestRest = TimeSpan.FromHours(1);
    private readonly Lock access = new();
    private readonly Lazy<NumericsClass?> numerics = new(() => trainers.Numerics);
    private readonly List<string> failures = [];
    private readonly HashSet<string> runs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> rates = new(StringComparer.Ordinal);
    private string? slice, declined, cordoned;
    private long cordonedAt;
    private bool isWritten;

    /// <summary>Why this worker takes no slices; null: it does, perhaps on trial after a rest.</summary>
    public string? Cordoned
    {
        get
        {
            lock (access)
            {
                return IsResting ? cordoned : null;
            }
        }
    }

    private bool IsResting => cordoned is not null && time.GetElapsedTime(cordonedAt) < Rest;

    private TimeSpan Rest => TimeSpan.FromTicks(Math.Min(FirstRest.Ticks << Math.Min(failures.Count - MostFailures, MostDoublings), LongestRest.Ticks));

    /// <summary>A slice begins.</summary>
    public void Begin(string run, Role role)
    {
        lock (access)
        {
            slice = $"{run} {role}";
            runs.Add(run);
        }
    }

    /// <summary>The runs of which slices began since this was asked last.</summary>
    public IReadOnlyList<string> TakeRuns()
    {
        lock (access)
        {
            string[] begun = [.. runs];
            runs.Clear();
            return begun;
        }
    }

    /// <summary>The slice has ended.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="committed">Whether it committed.</param>
    /// <param name="forgiven">Whether neither role nor machine is to blame where it did not.</param>
    /// <param name="imagesPerSecond">Its rate; 0: it made no step.</param>
    public void End(string run, Role role, bool committed, bool forgiven, double imagesPerSecond)
    {
        lock (access)
        {
            slice = null;
            if (imagesPerSecond > 0)
            {
                if (rates.Count >= MostRates && !rates.ContainsKey(WorkerRecord.RateKey(run, role)))
                {
                    rates.Remove(rates.Keys.First());
                }

                rates[WorkerRecord.RateKey(run, role)] = imagesPerSecond;
            }

            if (committed)
            {
                Forget();
            }
            else if (!forgiven)
            {
                failures.Add($"{run} {role}");
                Judge();
            }
        }
    }

    /// <summary>A slice was declined.</summary>
    public void Decline(TrainSlice command, string reason)
    {
        lock (access)
        {
            declined = $"{command.RolePath} of run '{command.Run}': {reason}";
        }
    }

    /// <summary>What this worker says of itself now.</summary>
    public WorkerRecord Describe()
    {
        lock (access)
        {
            return new WorkerRecord
            {
                Schema = WorkerRecord.CurrentSchema,
                Name = worker.Name,
                Host = worker.Host,
                Pool = settings.Pool,
                Numerics = numerics.Value,
                Slice = slice,
                Rates = new Dictionary<string, double>(rates),
                Failures = [.. failures],
                Cordoned = IsResting ? cordoned : null,
                Declined = declined,
            };
        }
    }

    /// <summary>Takes over what dead processes of this machine left: their failures, and the slice that one of them died in. Their records go.</summary>
    public async Task InheritAsync(IEnumerable<SeenWorker> seen, CancellationToken cancellationToken)
    {
        foreach (var (record, _, _) in seen.Where(other => !other.IsAlive && other.Record.Host == worker.Host && other.Record.Name != worker.Name))
        {
            lock (access)
            {
                failures.AddRange(record.Failures);
                if (record.Slice is { } died)
                {
                    failures.Add(died);
                }

                Judge();
            }

            await RenewAsync(cancellationToken); // before the only other trace of it goes
            await blobs.DeleteAsync(BlobNames.Worker(Encode(record.Name)), cancellationToken);
        }
    }

    /// <summary>Says that this worker lives.</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        var name = BlobNames.Worker(Encode(worker.Name));
        if (isWritten && Cordoned is not null && !await blobs.ExistsAsync(name, cancellationToken))
        {
            Pardon();
        }

        await blobs.TryWriteJsonAsync(name, Describe(), WriteCondition.Any, cancellationToken);
        if (!isWritten)
        {
            await KnownWorkers.RingAsync(blobs, worker.Name, cancellationToken);
        }

        isWritten = true;
    }

    /// <summary>A person deleted the record: this machine may try again.</summary>
    public void Pardon()
    {
        lock (access)
        {
            Forget();
        }
    }

    /// <summary>Takes the record away when the process ends in good order; a machine's failures outlive it.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        if (Describe().Failures.Count == 0)
        {
            await blobs.DeleteAsync(BlobNames.Worker(Encode(worker.Name)), cancellationToken);
        }
    }

    /// <summary>A worker's name as one segment of a blob's.</summary>
    internal static string Encode(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' ? c : '-'));

    private void Judge()
    {
        if (failures.Count >= MostFailures && failures.Distinct().Count() >= RolesAmongThem)
        {
            cordonedAt = time.GetTimestamp();
            cordoned = $"{failures.Count} slices in a row failed on this machine: {string.Join(", ", failures.Distinct())}; it tries another after {Rest.TotalMinutes:F0} min";
        }
    }

    private void Forget()
    {
        failures.Clear();
        cordoned = null;
    }
}
