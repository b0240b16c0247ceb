using Ddm.Data;
using Ddm.Encoders;
using Ddm.Partitioning;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services;

/// <summary>
/// Assigns one shard's rows to clusters through their nearest fine centroid: <c>cluster</c> [N] int64. Where networks see latents, their moments are made first:
/// <c>moments</c> [N, 2 z, h, w] float16, or [N, 2, 2 z, h, w] with those of the mirror image where training mirrors pictures. So are captions where they are the condition: <c>text</c> [N, ...] as networks take them, <c>none</c> that of no caption.
/// </summary>
public sealed class AssignShardHandler(
    IBlobStore blobs, RunDataset datasets, OpenCodecs codecs, OpenCaptions captions, ShardEncoding encoding, DeviceThread device, ICommandSender sender, IRunProgress progress, TimeProvider time)
    : ICommandHandler<AssignShard>
{
    private const int EncodedAtOnce = 64; // pictures, each on its own: what reading and decoding is kept ahead by
    private const int TextsAtOnce = 128;
    private const string ClusterTensor = "cluster", MomentsTensor = "moments", TextTensor = "text", NullTextTensor = "none";

    /// <inheritdoc/>
    public async Task HandleAsync(AssignShard command, CancellationToken cancellationToken)
    {
        var target = BlobNames.Assignment(command.Run, command.Shard);
        if (!await blobs.ExistsAsync(target, cancellationToken))
        {
            var (document, dataset) = await datasets.OpenAsync(command.Run, cancellationToken);
            await EncodeAsync(document, dataset, command.Shard, cancellationToken);
            await EncodeTextAsync(document, dataset, command.Shard, cancellationToken);
            var centroids = await blobs.ReadProductAsync(BlobNames.PartitionCentroids(command.Run), cancellationToken);
            var features = await blobs.ReadProductAsync(BlobNames.Features(command.Run, command.Shard), cancellationToken);
            var bytes = await device.RunAsync(() => Assign(centroids, features));
            await blobs.TryWriteAsync(target, SafetensorsSeal.Apply(bytes), WriteCondition.IfAbsent, cancellationToken);
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    /// <summary>Reads a shard's assignment back.</summary>
    internal static long[] Read(byte[] bytes)
    {
        using var bundle = TensorFile.Load(new MemoryStream(bytes));
        return bundle.Tensors[ClusterTensor].data<long>().ToArray();
    }

    /// <summary>Reads a shard's moments back, row by row.</summary>
    internal static byte[] ReadMoments(byte[] bytes)
    {
        using var bundle = TensorFile.Load(new MemoryStream(bytes));
        return bundle.Tensors[MomentsTensor].bytes.ToArray();
    }

    /// <summary>Reads a shard's captions back, row by row, and that of no caption.</summary>
    internal static (byte[] Rows, byte[] None) ReadText(byte[] bytes)
    {
        using var bundle = TensorFile.Load(new MemoryStream(bytes));
        return (bundle.Tensors[TextTensor].bytes.ToArray(), bundle.Tensors[NullTextTensor].bytes.ToArray());
    }

    // Before the assignment, which says that the shard is done.
    private async Task EncodeAsync(RunDocument document, DatasetReader dataset, int shard, CancellationToken cancellationToken)
    {
        var target = BlobNames.Latents(document.Name, shard);
        if (document.Spec.Latent.Vae is not null && !await blobs.ExistsAsync(target, cancellationToken))
        {
            var work = new ShardWork(document, RunStage.AssignShards, dataset, shard, EncodedAtOnce);
            var bytes = await encoding.RunAsync(codecs, document.Spec.Data.Flip ? BothMoments : (codec, pixels) => codec.Moments(pixels), work, (MomentsTensor, "F16"), cancellationToken);
            await blobs.TryWriteAsync(target, SafetensorsSeal.Apply(bytes), WriteCondition.IfAbsent, cancellationToken);
        }
    }

    private async Task EncodeTextAsync(RunDocument document, DatasetReader dataset, int shard, CancellationToken cancellationToken)
    {
        var target = BlobNames.Text(document.Name, shard);
        if (document.Spec.HasText && !await blobs.ExistsAsync(target, cancellationToken))
        {
            var rows = await dataset.ReadFactsAsync(shard, cancellationToken, verify: true);
            var telling = new ShardProgress(progress, time, new ShardWork(document, RunStage.AssignShards, dataset, shard, TextsAtOnce), EncodingProgress.Captions);
            var parts = new List<byte[]>();
            foreach (var texts in (rows.Texts ?? new string?[rows.Count]).Chunk(TextsAtOnce))
            {
                cancellationToken.ThrowIfCancellationRequested();
                parts.Add(await captions.UseAsync(document, encoder => telling.Encode(() => Encode(encoder, texts)), cancellationToken));
                telling.Add(texts.Length);
            }

            var none = await captions.UseAsync(document, encoder => Encode(encoder, [null]), cancellationToken);
            var text = new RowText(await captions.UseAsync(document, encoder => encoder.Shape, cancellationToken));
            await blobs.WriteProductAsync(
                target,
                stream =>
                {
                    SafetensorsWriter.Write(
                        stream, [(TextTensor, text.Type, text.Rows(rows.Count)), (NullTextTensor, text.Type, text.One)], new Dictionary<string, string>(),
                        (tensor, data) => (tensor == 0 ? parts : [none]).ForEach(part => data.Write(part)));
                    return Task.CompletedTask;
                },
                cancellationToken);
        }
    }

    private static torch.Tensor BothMoments(LatentCodec codec, torch.Tensor pixels) => torch.stack([codec.Moments(pixels), codec.Moments(pixels.flip(-1))], dim: 1);

    private static byte[] Encode(ICaptionEncoder encoder, string?[] texts)
    {
        using var encoded = encoder.Encode(texts);
        return encoded.bytes.ToArray();
    }

    private static byte[] Assign(byte[] centroids, byte[] features)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var partition = Partition.Load(new MemoryStream(centroids));
        using var bundle = TensorFile.Load(new MemoryStream(features));
        var clusters = Partitioner.Assign(partition, bundle.Tensors["features"]);
        using var stream = new MemoryStream();
        TensorFile.Save(stream, [(ClusterTensor, torch.tensor(Array.ConvertAll(clusters, k => (long)k)))]);
        return stream.ToArray();
    }
}
