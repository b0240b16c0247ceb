using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>The image encoder of the run that asked last.</summary>
public sealed class OpenEncoders(IBlobStore blobs, DeviceThread device) : OpenOnDevice<IImageEncoder>(device)
{
    /// <inheritdoc/>
    protected override Task<byte[]> ReadAsync(RunDocument document, CancellationToken cancellationToken)
        => blobs.ReadProductAsync(BlobNames.Encoder(document.Name), cancellationToken);

    /// <inheritdoc/>
    protected override IImageEncoder Open(RunDocument document, byte[] prepared)
    {
        using var bundle = TensorFile.Load(new MemoryStream(prepared));
        return ImageEncoders.Open(document.Spec.Features, BlobNames.Encoder(document.Name), bundle);
    }
}
