namespace Ddm.Services;

/// <summary>Tells how far the encoding of a shard is.</summary>
/// <param name="progress">Whom it is told to.</param>
/// <param name="time">The clock.</param>
/// <param name="work">The shard.</param>
/// <param name="unit">What is encoded: <see cref="EncodingProgress.Images"/> or <see cref="EncodingProgress.Captions"/>.</param>
internal sealed class ShardProgress(IRunProgress progress, TimeProvider time, ShardWork work, string unit)
{
    private readonly long started = time.GetTimestamp();
    private TimeSpan busy;
    private long rows;

    /// <summary>The encoder's work on some rows, on the device thread; one call at a time.</summary>
    public T Encode<T>(Func<T> encode)
    {
        var from = time.GetTimestamp();
        var encoded = encode();
        busy += time.GetElapsedTime(from);
        return encoded;
    }

    /// <summary>So many rows more are encoded.</summary>
    public void Add(long encoded)
    {
        rows += encoded;
        var manifest = work.Dataset.Manifest;
        var before = manifest.Shards.Take(work.Shard).Sum(shard => (long)shard.Rows); // shards come in order, so those before this one are done
        var seconds = Math.Max(time.GetElapsedTime(started).TotalSeconds, double.Epsilon);
        progress.Encoding(new EncodingProgress(work.Stage, unit, before + rows, manifest.Rows, rows / seconds, Math.Min(1, busy.TotalSeconds / seconds)));
    }
}
