using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Turns captions into what networks take: tokens for an encoder of their own, or a frozen encoder's vectors.</summary>
public interface ICaptionEncoder : IDisposable
{
    /// <summary>What comes out.</summary>
    TextShape Shape { get; }

    /// <summary>Rows for networks, in the type they are stored in: the same caption gives the same bits in training and in drawing.</summary>
    /// <param name="captions">N; null or empty: none.</param>
    /// <returns>[N, L] int32 tokens, or [N, L, W] float16 vectors; on the CPU.</returns>
    Tensor Encode(IReadOnlyList<string?> captions);
}
