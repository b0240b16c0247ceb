using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>The autoencoder of the run that asked last.</summary>
public sealed class OpenCodecs(IBlobStore blobs, DeviceThread device) : OpenOnDevice<LatentCodec>(blobs, device)
{
    /// <inheritdoc/>
    protected override string NameOf(RunDocument document) => BlobNames.Autoencoder(document.Name);

    /// <inheritdoc/>
    protected override LatentCodec Open(RunDocument document, string name, TensorBundle prepared) => LatentCodec.Open(name, prepared);
}
