using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>The encoder of captions of the run that asked last.</summary>
public sealed class OpenCaptions(IBlobStore blobs, DeviceThread device) : OpenOnDevice<ICaptionEncoder>(blobs, device)
{
    /// <inheritdoc/>
    protected override string NameOf(RunDocument document) => BlobNames.TextEncoder(document.Name);

    /// <inheritdoc/>
    protected override ICaptionEncoder Open(RunDocument document, string name, TensorBundle prepared)
        => CaptionEncoders.Open(document.Spec.Text.Places, name, prepared);
}
