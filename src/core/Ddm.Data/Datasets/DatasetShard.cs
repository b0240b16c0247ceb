namespace Ddm.Data;

/// <summary>One shard of a data set.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Rows">Good images, held-out ones included.</param>
/// <param name="HeldOut">Of these, held out.</param>
/// <param name="Sha256">Of the tar, lower-case hexadecimal.</param>
/// <param name="Length">Of the tar, bytes.</param>
/// <param name="Captioned">Rows that have a caption.</param>
public sealed record DatasetShard(int Index, int Rows, int HeldOut, string Sha256, long Length, int Captioned = 0);
