namespace Ddm.Data;

/// <summary>What ingest learned of one shard: the blob beside its tar. Written after the tar, so that it means "this shard is done".</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Quarantined">Images of its range that could not be used.</param>
public sealed record DatasetShardInfo(DatasetShard Shard, IReadOnlyList<QuarantinedImage> Quarantined);

/// <summary>An image that could not be used.</summary>
/// <param name="Row">Its row in the source.</param>
/// <param name="Source">Its name in the source.</param>
/// <param name="Reason">Why.</param>
public sealed record QuarantinedImage(long Row, string Source, string Reason);
