using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>
/// Keeps the encoder that was asked for last open: a published one takes gigabytes to read, and a run asks once a shard. Lives on the device thread, where every use of what it
/// gives must be too.
/// </summary>
public sealed class OpenEncoders(IBlobStore blobs, DeviceThread device) : IDisposable
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private (string Run, IImageEncoder Encoder)? open;

    /// <summary>Runs a function of the run's encoder on the device thread.</summary>
    /// <param name="document">The run.</param>
    /// <param name="use">What to do with the encoder, which stays this object's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidDataException">The run has no encoder, or it is damaged.</exception>
    public async Task<T> UseAsync<T>(RunDocument document, Func<IImageEncoder, T> use, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken); // one at a time: the device is one, and the encoder must not be closed under somebody
        try
        {
            var encoder = await OpenAsync(document, cancellationToken);
            return await device.RunAsync(() => use(encoder));
        }
        finally
        {
            gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        open?.Encoder.Dispose();
        gate.Dispose();
    }

    private async Task<IImageEncoder> OpenAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var name = BlobNames.Encoder(document.Name);
        if (open is { } held && held.Run == document.Name)
        {
            return held.Encoder;
        }

        var prepared = await blobs.ReadProductAsync(name, cancellationToken);
        return await device.RunAsync(() =>
        {
            open?.Encoder.Dispose();
            open = null;
            using var bundle = TensorFile.Load(new MemoryStream(prepared));
            var encoder = ImageEncoders.Open(document.Spec.Features, name, bundle);
            open = (document.Name, encoder);
            return encoder;
        });
    }
}
