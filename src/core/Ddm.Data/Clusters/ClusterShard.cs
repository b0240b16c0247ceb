namespace Ddm.Data;

/// <summary>One shard of a cluster.</summary>
/// <param name="Name">Its blob.</param>
/// <param name="Rows">Images in it.</param>
/// <param name="Sha256">Of the blob, lower-case hexadecimal.</param>
/// <param name="Length">Of the blob, bytes.</param>
public sealed record ClusterShard(string Name, int Rows, string Sha256, long Length);
