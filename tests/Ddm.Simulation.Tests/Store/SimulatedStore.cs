using System.Globalization;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>
/// The blobs themselves, as checkers and the world's code see them: no latency, no fault, one change after another. Its clock is nobody else's and counts
/// whole seconds, as object stores' do.
/// </summary>
internal sealed class SimulatedStore(World world, TimeSpan clockError)
{
    private readonly SortedDictionary<string, BlobContent> blobs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> lastReads = new(StringComparer.Ordinal);
    private long writes;

    /// <summary>Told of every change, as it has happened: name, what was there, what is there now.</summary>
    public event Action<StoreChange>? Changed;

    public DateTimeOffset Now
    {
        get
        {
            var now = World.Beginning + world.Now + clockError;
            return now - new TimeSpan(now.Ticks % TimeSpan.TicksPerSecond);
        }
    }

    public BlobContent? Read(string name) => blobs.GetValueOrDefault(name);

    /// <summary>As <see cref="Read"/>, by a process: remembered.</summary>
    public BlobContent? ReadFor(string name)
    {
        lastReads[name] = world.Now;
        return Read(name);
    }

    /// <summary>When a process read a blob last.</summary>
    public TimeSpan LastRead(string name) => lastReads.TryGetValue(name, out var at) ? at : TimeSpan.MinValue / 2;

    public string? TryWrite(string by, string name, byte[] content, WriteCondition condition)
    {
        var before = Read(BlobName.Check(name));
        if (!condition.HoldsFor(before?.ETag))
        {
            return null;
        }

        var after = new BlobContent(content, (++writes).ToString(CultureInfo.InvariantCulture), Now);
        blobs[name] = after;
        Changed?.Invoke(new StoreChange(by, name, before, after));
        return after.ETag;
    }

    public void Delete(string by, string name)
    {
        if (blobs.Remove(name, out var before))
        {
            Changed?.Invoke(new StoreChange(by, name, before, null));
        }
    }

    /// <summary>Changes a blob's bytes behind everyone's back, as a failing disk does: no new ETag, no time, nobody is told.</summary>
    public void Damage(string name, byte[] content) => blobs[name] = blobs[name] with { Bytes = content };

    /// <summary>At most <paramref name="most"/> blobs with the prefix whose names come after <paramref name="after"/>.</summary>
    public List<BlobInfo> List(string prefix, string after, int most) =>
    [
        .. blobs.Where(blob => blob.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(blob.Key, after) > 0)
            .Take(most).Select(blob => new BlobInfo(blob.Key, blob.Value.Bytes.Length, blob.Value.LastModified)),
    ];
}
