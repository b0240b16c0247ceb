using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Encodes one shard: <c>features</c> [N, D] float32, rows in the shard's order.</summary>
public sealed class ExtractFeaturesHandler(IBlobStore blobs, RunDataset datasets, OpenEncoders encoders, ShardEncoding encoding, ICommandSender sender)
    : ICommandHandler<ExtractFeatures>
{
    /// <inheritdoc/>
    public async Task HandleAsync(ExtractFeatures command, CancellationToken cancellationToken)
    {
        var target = BlobNames.Features(command.Run, command.Shard);
        if (!await blobs.ExistsAsync(target, cancellationToken))
        {
            var (document, dataset) = await datasets.OpenAsync(command.Run, cancellationToken);
            var work = new ShardWork(document, RunStage.ExtractFeatures, dataset, command.Shard, ImageEncoders.BatchRows(document.Spec.Features));
            var bytes = await encoding.RunAsync(encoders, (encoder, pixels) => encoder.Encode(pixels), work, ("features", "F32"), cancellationToken);
            await blobs.TryWriteAsync(target, SafetensorsSeal.Apply(bytes), WriteCondition.IfAbsent, cancellationToken);
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }
}
