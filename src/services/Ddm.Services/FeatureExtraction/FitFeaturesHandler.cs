using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Training;
using TorchSharp;

namespace Ddm.Services;

/// <summary>
/// Seals the data set, the barrier after ingest, and fits the encoder on a sample of it where the encoder learns from the data
/// (principal components); a published encoder's weights are checked and copied, so that the run needs no file but its own. So is the
/// autoencoder of latents, with the scale measured on the sample where none is published; the encoder of captions, or a vocabulary of them; and what experts take of a seed checkpoint.
/// </summary>
public sealed class FitFeaturesHandler(
    IBlobStore blobs, RunRepository runs, RunDataset datasets, OpenSources sources, RunSeeds seeds, DeviceThread device, ICommandSender sender, IRunProgress progress)
    : ICommandHandler<FitFeatures>
{
    private const int SampleRows = 16_384; // 64 components need no more

    /// <inheritdoc/>
    public async Task HandleAsync(FitFeatures command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        var sealedSet = await new DatasetIngest(blobs).FreezeAsync(document.Spec.Data, sources.Get(document), document.DatasetId!, cancellationToken);
        sources.Close(document.DatasetId!);
        if (sealedSet.Quarantined > 0)
        {
            progress.Notice($"{sealedSet.Quarantined} of {sealedSet.Rows + sealedSet.Quarantined} images cannot be used and are left out; " +
                $"{BlobNames.Quarantine(sealedSet.Id)} lists them with reasons.");
        }

        var spec = document.Spec;
        var sampled = ImageEncoders.NeedsSample(spec.Features) || spec.Latent.Vae is not null;
        var sample = sampled ? await SampleAsync(await datasets.OpenAsync(document, cancellationToken), cancellationToken) : null;
        if (spec.Latent.Vae is not null)
        {
            var codec = await device.RunAsync(() => Prepare(sample, (pixels, target) => LatentCodec.Prepare(spec, document.SourceRoot, pixels!, target)));
            await blobs.TryWriteAsync(BlobNames.Autoencoder(command.Run), SafetensorsSeal.Apply(codec), WriteCondition.IfAbsent, cancellationToken);
        }

        TextShape? text = null;
        if (spec.HasText)
        {
            var captions = CaptionEncoders.NeedsCaptions(spec.Text) ? await CaptionsAsync(await datasets.OpenAsync(document, cancellationToken), cancellationToken) : [];
            var encoder = await device.RunAsync(() => Prepare(null, (_, target) => CaptionEncoders.Prepare(spec.Text, document.SourceRoot, captions, target)));
            await blobs.TryWriteAsync(BlobNames.TextEncoder(command.Run), SafetensorsSeal.Apply(encoder), WriteCondition.IfAbsent, cancellationToken);
            text = await device.RunAsync(() => ShapeOf(spec.Text, encoder));
        }

        if (document.Init is not null)
        {
            await seeds.PrepareAsync(document, Roles.Network(spec, Role.Expert(0), sealedSet.ClassNames.Count, text), cancellationToken);
        }

        var encoded = await device.RunAsync(
            () => Prepare(sample, (pixels, target) => ImageEncoders.Prepare(spec.Features, document.SourceRoot, pixels, spec.Seed, target)));
        await blobs.TryWriteAsync(BlobNames.Encoder(command.Run), SafetensorsSeal.Apply(encoded), WriteCondition.IfAbsent, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private static byte[] Prepare(ImageRows? sample, Action<torch.Tensor?, Stream> prepare)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var pixels = sample is null ? null : torch.tensor(sample.Pixels, [sample.Count, sample.Format.Channels, sample.Format.Size, sample.Format.Size], torch.ScalarType.Byte);
        using var bytes = new MemoryStream();
        prepare(pixels, bytes);
        return bytes.ToArray();
    }

    private static TextShape ShapeOf(TextSpec spec, byte[] encoder)
    {
        using var bundle = TensorFile.Load(new MemoryStream(encoder));
        using var open = CaptionEncoders.Open(spec.Places, "the encoder of captions", bundle);
        return open.Shape;
    }

    // Of all training rows: a word that the sample lacks would be unknown for good.
    private static async Task<List<string>> CaptionsAsync(DatasetReader dataset, CancellationToken cancellationToken)
    {
        var captions = new List<string>();
        foreach (var shard in dataset.Manifest.Shards)
        {
            var rows = await dataset.ReadFactsAsync(shard.Index, cancellationToken);
            captions.AddRange((rows.Texts ?? []).Where((text, i) => text is not null && !rows.HeldOut[i])!);
        }

        return captions;
    }

    // Training rows of as many shards, evenly spaced, as give the sample. Held-out rows decide nothing.
    private static async Task<ImageRows> SampleAsync(DatasetReader dataset, CancellationToken cancellationToken)
    {
        var shards = dataset.Manifest.Shards;
        var wanted = Math.Clamp((SampleRows / Math.Max(1, shards.Max(s => s.Rows))) + 1, 1, shards.Count);
        var parts = new List<ImageRows>();
        for (var i = 0; i < wanted; i++)
        {
            parts.Add(await dataset.ReadShardAsync((int)((long)i * shards.Count / wanted), cancellationToken));
        }

        return ImageRows.Training(parts, SampleRows);
    }
}
