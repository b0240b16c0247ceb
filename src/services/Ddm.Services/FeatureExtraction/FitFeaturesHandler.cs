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
            await WriteAsync(BlobNames.Autoencoder(command.Run), (pixels, target) => LatentCodec.Prepare(spec, document.SourceRoot, pixels!, target));
        }

        if (spec.HasText)
        {
            var captions = CaptionEncoders.NeedsCaptions(spec.Text) ? await CaptionsAsync(await datasets.OpenAsync(document, cancellationToken), cancellationToken) : [];
            await WriteAsync(BlobNames.TextEncoder(command.Run), (_, target) => CaptionEncoders.Prepare(spec.Text, document.SourceRoot, captions, target));
        }

        if (document.Init is not null)
        {
            var text = spec.HasText ? await ShapeAsync(document, cancellationToken) : (TextShape?)null;
            await seeds.PrepareAsync(document, Roles.Network(spec, Role.Expert(0), sealedSet.ClassNames.Count, text), cancellationToken);
        }

        await WriteAsync(BlobNames.Encoder(command.Run), (pixels, target) => ImageEncoders.Prepare(spec.Features, document.SourceRoot, pixels, spec.Seed, target));
        await sender.AdvancedAsync(command.Run, cancellationToken);

        Task WriteAsync(string name, Action<torch.Tensor?, Stream> prepare)
            => blobs.WriteProductAsync(name, target => device.RunAsync(() => Prepare(sample, prepare, target)), cancellationToken);
    }

    private static void Prepare(ImageRows? sample, Action<torch.Tensor?, Stream> prepare, Stream target)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var pixels = sample is null ? null : torch.tensor(sample.Pixels, [sample.Count, sample.Format.Channels, sample.Format.Size, sample.Format.Size], torch.ScalarType.Byte);
        prepare(pixels, target);
    }

    // What networks will see of captions, now that their encoder stands.
    private async Task<TextShape> ShapeAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var name = BlobNames.TextEncoder(document.Name);
        await using var stream = await blobs.OpenProductAsync(name, cancellationToken);
        return await device.RunAsync(() =>
        {
            using var bundle = TensorFile.Load(stream);
            using var encoder = CaptionEncoders.Open(document.Spec.Text.Places, name, bundle);
            return encoder.Shape;
        });
    }

    // Of all training rows: a word that the sample lacks would be unknown for good.
    private static async Task<List<string>> CaptionsAsync(DatasetReader dataset, CancellationToken cancellationToken)
    {
        var captions = new List<string>();
        foreach (var shard in dataset.Manifest.Shards)
        {
            var rows = await dataset.ReadFactsAsync(shard.Index, cancellationToken, verify: true);
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
