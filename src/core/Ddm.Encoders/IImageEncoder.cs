using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Pictures in, feature vectors out: what images are clustered by.</summary>
public interface IImageEncoder : IDisposable
{
    /// <summary>Which encoder, with everything that tells its features from another's: <c>pixels-64@1x28x28</c>.</summary>
    string Id { get; }

    /// <summary>D.</summary>
    int Dimensions { get; }

    /// <summary>The features of a batch.</summary>
    /// <param name="pixels">[N, C, H, W] uint8.</param>
    /// <returns>[N, D] float32, the caller's.</returns>
    Tensor Encode(Tensor pixels);
}
