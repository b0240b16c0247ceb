using System.Security.Cryptography;
using Ddm.Diffusion;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>
/// The seed checkpoints that runs' experts start from. What fits is copied before the first feature is extracted, so that a run needs no file but its own; the copy may be larger than a
/// sealed blob can be, and has a manifest of its own that vouches for it.
/// </summary>
/// <param name="blobs">Where runs are.</param>
/// <param name="device">The device thread.</param>
public sealed class RunSeeds(IBlobStore blobs, DeviceThread device)
{
    /// <summary>What a spec's experts would take, as far as it is known before the data: a vocabulary may turn out smaller.</summary>
    /// <param name="spec">The run's spec.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <param name="classes">Classes of the data set.</param>
    /// <returns>Null where the spec names no seed.</returns>
    /// <exception cref="UserErrorException">As for <see cref="ExpertSeed.Look"/>.</exception>
    public static SeedFit? Look(RunSpec spec, string root, int classes)
        => spec.Init.Checkpoint is null ? null : ExpertSeed.Look(spec, root, Roles.Network(spec, Role.Expert(0), classes, CaptionEncoders.Expected(spec.Text, root)));

    /// <summary>Copies what experts take, unless that was done before.</summary>
    /// <param name="document">The run.</param>
    /// <param name="expert">An expert's network.</param>
    /// <param name="cancellationToken">Stops the copy.</param>
    /// <exception cref="UserErrorException">The file is another than at submission, or cannot be read any more.</exception>
    public async Task PrepareAsync(RunDocument document, DiTConfig expert, CancellationToken cancellationToken)
    {
        var (run, manifest) = (document.Name, BlobNames.InitManifest(document.Name));
        if (await blobs.ExistsAsync(manifest, cancellationToken) && await blobs.ExistsAsync(BlobNames.InitWeights(run), cancellationToken))
        {
            return;
        }

        SeedManifest? copied = null;
        await blobs.TryWriteStreamAsync(
            BlobNames.InitWeights(run), (target, _) => device.RunAsync(() => copied = Copy(document, expert, target)), WriteCondition.Any, cancellationToken);
        await blobs.TryWriteJsonAsync(manifest, copied!, WriteCondition.Any, cancellationToken);
    }

    /// <summary>What the run's experts started from.</summary>
    /// <exception cref="InvalidDataException">It is missing or damaged.</exception>
    public async Task<SeedManifest> ReadAsync(string run, CancellationToken cancellationToken)
        => await blobs.ReadJsonAsync<SeedManifest>(BlobNames.InitManifest(run), cancellationToken) is { Value: var manifest } ? manifest
            : throw new InvalidDataException($"{BlobNames.InitManifest(run)} is missing, though its stage is over.");

    /// <summary>The tensors that the run's experts start from; whoever asks disposes them on the device thread.</summary>
    /// <exception cref="InvalidDataException">They are missing, or were changed since they were written.</exception>
    public async Task<TensorBundle> OpenAsync(string run, CancellationToken cancellationToken)
    {
        var (name, manifest) = (BlobNames.InitWeights(run), await ReadAsync(run, cancellationToken));
        await using (var whole = await OpenStreamAsync(name, cancellationToken))
        {
            var found = Convert.ToHexStringLower(await SHA256.HashDataAsync(whole, cancellationToken));
            if (found != manifest.Sha256)
            {
                throw new InvalidDataException($"{name} was changed after it had been written: it has sha256 {found}, its manifest says {manifest.Sha256}.");
            }
        }

        await using var stream = await OpenStreamAsync(name, cancellationToken);
        return await device.RunAsync(() => TensorFile.Load(stream));
    }

    private static SeedManifest Copy(RunDocument document, DiTConfig expert, Stream target)
    {
        using var hash = SHA256.Create();
        SeedFit fit;
        using (var stream = new CryptoStream(target, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            fit = ExpertSeed.Copy(document.Spec, document.SourceRoot, expert, stream);
        }

        return fit.Sha256 == document.Init!.Sha256 ? new SeedManifest(Convert.ToHexStringLower(hash.Hash!), fit)
            : throw new UserErrorException(
                $"init.checkpoint {fit.File} is another file than when run '{document.Name}' was submitted: its SHA-256 was {document.Init.Sha256} and is {fit.Sha256}. Put the first one back and run the same command again, or begin a run of another name.");
    }

    private async Task<Stream> OpenStreamAsync(string name, CancellationToken cancellationToken)
        => await blobs.OpenReadAsync(name, cancellationToken) ?? throw new InvalidDataException($"{name} is missing, though its stage is over.");
}
