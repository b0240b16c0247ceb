using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>The autoencoder of the run that asked last.</summary>
public sealed class OpenCodecs(IBlobStore blobs, DeviceThread device) : OpenOnDevice<LatentCodec>(device)
{
    /// <inheritdoc/>
    protected override Task<byte[]> ReadAsync(RunDocument document, CancellationToken cancellationToken)
        => blobs.ReadProductAsync(BlobNames.Autoencoder(document.Name), cancellationToken);

    /// <inheritdoc/>
    protected override LatentCodec Open(RunDocument document, byte[] prepared)
    {
        using var bundle = TensorFile.Load(new MemoryStream(prepared));
        return LatentCodec.Open(BlobNames.Autoencoder(document.Name), bundle);
    }
}
