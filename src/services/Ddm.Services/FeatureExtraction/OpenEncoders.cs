using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>The image encoder of the run that asked last.</summary>
public sealed class OpenEncoders(IBlobStore blobs, DeviceThread device) : OpenOnDevice<IImageEncoder>(blobs, device)
{
    /// <inheritdoc/>
    protected override string NameOf(RunDocument document) => BlobNames.Encoder(document.Name);

    /// <inheritdoc/>
    protected override IImageEncoder Open(RunDocument document, string name, TensorBundle prepared) => ImageEncoders.Open(document.Spec.Features, name, prepared);
}
