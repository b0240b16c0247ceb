using System.Collections.Concurrent;

namespace Ddm.Services;

/// <summary>
/// Facts of runs that several people watch, read once for all of them. They are at least <see cref="Freshness"/> apart and take a tenth of the time at most, so that
/// watching a run of a thousand roles does not become the store's main work.
/// </summary>
public sealed class RunFactsCache(RunInspector inspector, TimeProvider time)
{
    /// <summary>How old facts may be that cost little.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private const int MostRuns = 256;
    private const int Thrift = 10;
    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);

    /// <summary>The facts of a run, a little old perhaps.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">There is no such run.</exception>
    public async Task<RunFacts> GetAsync(string run, CancellationToken cancellationToken)
    {
        if (entries.Count > MostRuns)
        {
            entries.Clear(); // whoever still watches fills it again
        }

        var entry = entries.GetOrAdd(run, _ => new Entry());
        await entry.Gate.WaitAsync(cancellationToken);
        try
        {
            if (entry.Facts is null || time.GetElapsedTime(entry.ReadAt) > entry.Lasts)
            {
                var began = time.GetTimestamp();
                entry.Facts = await inspector.InspectAsync(run, cancellationToken);
                entry.ReadAt = time.GetTimestamp();
                entry.Lasts = TimeSpan.FromTicks(Math.Max(Freshness.Ticks, time.GetElapsedTime(began, entry.ReadAt).Ticks * Thrift));
            }

            return entry.Facts;
        }
        finally
        {
            entry.Gate.Release();
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1);

        public RunFacts? Facts { get; set; }

        public long ReadAt { get; set; }

        public TimeSpan Lasts { get; set; }
    }
}
