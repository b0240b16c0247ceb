using System.Text.Json.Serialization;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>What the expert of one cluster trains on: blob <c>runs/{run}/clusters/{k}/manifest.json</c>. Its hash goes into every checkpoint.</summary>
/// <param name="Schema">1.</param>
/// <param name="Run">The run.</param>
/// <param name="Cluster">k.</param>
/// <param name="DatasetId">Where the images come from.</param>
/// <param name="DatasetManifestSha256">That data set's manifest.</param>
/// <param name="PartitionSha256">Of every row's assignment (64-bit little-endian numbers) in the order of the data set.</param>
/// <param name="Channels">C.</param>
/// <param name="Size">H = W.</param>
/// <param name="Shards">Training rows, in their shuffled order.</param>
/// <param name="HeldOut">Held-out rows.</param>
/// <param name="Rows">Training rows.</param>
/// <param name="HeldOutRows">Held-out rows.</param>
/// <param name="ClassRows">Training rows of each class; without classes one number, all of them. With the other clusters' it gives p(k | c).</param>
/// <param name="Latents">Set where the shards hold latents' moments in place of pixels.</param>
/// <param name="Text">Set where the shards hold captions as networks take them.</param>
public sealed record ClusterManifest(
    int Schema, string Run, int Cluster, string DatasetId, string DatasetManifestSha256, string PartitionSha256, int Channels, int Size,
    IReadOnlyList<ClusterShard> Shards, IReadOnlyList<ClusterShard> HeldOut, long Rows, long HeldOutRows, IReadOnlyList<long> ClassRows,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ClusterLatents? Latents = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TextShape? Text = null)
{
    /// <summary>The layout this version writes and the newest it reads.</summary>
    public const int CurrentSchema = 1;

    /// <summary>What the shards hold of a caption.</summary>
    internal RowText? RowText => Text is { } text ? new RowText(text) : null;

    /// <summary>What the shards hold of an image.</summary>
    internal RowFormat Format => Latents is { } latents ? new RowFormat(2 * latents.Channels, latents.Size, Moments: true, latents.Mirrored) : new RowFormat(Channels, Size);
}

/// <summary>Latents in a cluster's shards: <c>moments</c> F16 [N, 2 z, h, h], means and log variances, not scaled.</summary>
/// <param name="Channels">z.</param>
/// <param name="Size">h.</param>
/// <param name="Scale">What a latent is multiplied by for the networks.</param>
/// <param name="Mirrored">Whether the shards hold [N, 2, 2 z, h, h]: behind each picture's moments those of its mirror image.</param>
public sealed record ClusterLatents(
    int Channels, int Size, double Scale, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Mirrored = false);
