namespace Ddm.Data;

/// <summary>The rows of a data set, shard by shard, as they go into clusters.</summary>
public interface IShardRows
{
    /// <summary>The data set.</summary>
    DatasetManifest Manifest { get; }

    /// <summary>What is kept of an image.</summary>
    RowFormat Format { get; }

    /// <summary>What latents are multiplied by for networks; 1 for pixels.</summary>
    double Scale { get; }

    /// <summary>How captions are kept for networks; null: they are not.</summary>
    RowText? Text => null;

    /// <summary>The row of no caption; empty where captions are not kept.</summary>
    ReadOnlyMemory<byte> NullText => default;

    /// <summary>Reads and verifies one shard.</summary>
    /// <exception cref="InvalidDataException">Something is missing, or not what the manifest says.</exception>
    Task<ImageRows> ReadShardAsync(int shard, CancellationToken cancellationToken);

    /// <summary>Which row of the source each row of a shard is, and whether it is held out.</summary>
    /// <exception cref="InvalidDataException">The shard is missing or damaged.</exception>
    Task<(long[] RowIds, bool[] HeldOut)> ReadRowsAsync(int shard, CancellationToken cancellationToken);
}
