using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Encodes one shard: <c>features</c> [N, D] float32, rows in the shard's order.</summary>
public sealed class ExtractFeaturesHandler(IBlobStore blobs, RunDataset datasets, OpenEncoders encoders, ICommandSender sender)
    : ICommandHandler<ExtractFeatures>
{
    private const int BatchRows = 1024;

    /// <inheritdoc/>
    public async Task HandleAsync(ExtractFeatures command, CancellationToken cancellationToken)
    {
        var target = BlobNames.Features(command.Run, command.Shard);
        if (!await blobs.ExistsAsync(target, cancellationToken))
        {
            var (document, dataset) = await datasets.OpenAsync(command.Run, cancellationToken);
            var rows = await dataset.ReadShardAsync(command.Shard, cancellationToken);
            var bytes = await encoders.UseAsync(document, encoder => Encode(encoder, rows), cancellationToken);
            await blobs.TryWriteAsync(target, SafetensorsSeal.Apply(bytes), WriteCondition.IfAbsent, cancellationToken);
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private static byte[] Encode(IImageEncoder encoder, ImageRows rows)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var pixels = torch.tensor(rows.Pixels, [rows.Count, rows.Format.Channels, rows.Format.Size, rows.Format.Size], torch.ScalarType.Byte);
        var features = torch.cat([.. pixels.split(BatchRows).Select(encoder.Encode)]);
        using var stream = new MemoryStream();
        TensorFile.Save(stream, [("features", features)]);
        return stream.ToArray();
    }
}
