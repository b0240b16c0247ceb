using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The barrier before training: writes each cluster's shuffled shards and its manifest, once and for all.</summary>
public sealed class FreezeClustersHandler(IBlobStore blobs, RunDataset datasets, OpenCodecs codecs, OpenCaptions captions, ContactSheets sheets, ICommandSender sender) : ICommandHandler<FreezeClusters>
{
    /// <inheritdoc/>
    public async Task HandleAsync(FreezeClusters command, CancellationToken cancellationToken)
    {
        var (document, dataset) = await datasets.OpenAsync(command.Run, cancellationToken);
        if (await IsFrozenAsync(document, cancellationToken))
        {
            await sender.AdvancedAsync(command.Run, cancellationToken); // by another worker, perhaps while this one was at it
            return;
        }

        IShardRows rows = dataset;
        if (document.Spec.Latent.Vae is not null)
        {
            var scale = await codecs.UseAsync(document, codec => codec.Scale, cancellationToken);
            rows = new LatentShardRows(dataset, document.Spec.Latent.Channels, document.Spec.Input().Size, scale, document.Spec.Data.Flip, ReadMomentsAsync);
        }

        if (document.Spec.HasText && dataset.Manifest.Shards.Count > 0)
        {
            var shape = await captions.UseAsync(document, encoder => encoder.Shape, cancellationToken);
            var (_, none) = await ReadTextAsync(0, cancellationToken);
            rows = new CaptionedShardRows(rows, shape, none, async (shard, token) => (await ReadTextAsync(shard, token)).Rows);
        }

        await new ClusterFreezer(blobs).FreezeAsync(
            command.Run, document.Spec.Partition.Experts, rows, ReadAssignmentAsync, document.Spec.Seed, document.Spec.Data.ShardRows, cancellationToken);
        await MeasureAsync(document, cancellationToken);
        await ShowAsync(document, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);

        async Task<byte[]> ReadMomentsAsync(int shard, CancellationToken token)
        {
            return AssignShardHandler.ReadMoments(await blobs.ReadProductAsync(BlobNames.Latents(command.Run, shard), token));
        }

        async Task<(byte[] Rows, byte[] None)> ReadTextAsync(int shard, CancellationToken token)
        {
            return AssignShardHandler.ReadText(await blobs.ReadProductAsync(BlobNames.Text(command.Run, shard), token));
        }

        async Task<long[]> ReadAssignmentAsync(int shard)
        {
            return AssignShardHandler.Read(await blobs.ReadProductAsync(BlobNames.Assignment(command.Run, shard), cancellationToken));
        }
    }

    private async Task<bool> IsFrozenAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var standing = 0;
        while (standing < document.Spec.Partition.Experts && await blobs.ExistsAsync(BlobNames.ClusterManifest(document.Name, standing), cancellationToken))
        {
            standing++;
        }

        return standing == document.Spec.Partition.Experts;
    }

    // Where this fails the command comes again, finds the clusters frozen and goes on: the evaluation draws the sheets that are missing.
    private async Task ShowAsync(RunDocument document, CancellationToken cancellationToken)
    {
        for (var k = 0; k < document.Spec.Partition.Experts; k++)
        {
            await sheets.DrawAsync(
                document.Name,
                k,
                document.Spec.Latent.Vae is null ? null : rows => codecs.UseAsync(document, codec => rows.Decoded(codec.Decode), cancellationToken),
                cancellationToken);
        }
    }

    private async Task MeasureAsync(RunDocument document, CancellationToken cancellationToken)
    {
        for (var k = 0; DdmTelemetry.ClusterRows.Enabled && k < document.Spec.Partition.Experts; k++)
        {
            if (await blobs.ReadJsonAsync<ClusterManifest>(BlobNames.ClusterManifest(document.Name, k), cancellationToken) is { Value: var cluster })
            {
                DdmTelemetry.ClusterRows.Record(cluster.Rows, [new("ddm.run", document.Name), new("ddm.cluster", k)]);
            }
        }
    }
}
