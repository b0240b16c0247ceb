using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>What blocks and final layer see of time and condition, computed once a forward pass.</summary>
/// <param name="Activated">SiLU of the embedded time and class, which adaLN-Zero's layers take: [N, D] float32.</param>
/// <param name="Time">The embedded time: [N, D] float32.</param>
/// <param name="Shared">adaLN-single's six shifts, scales and gates, [N, 1, D] each; empty without captions.</param>
/// <param name="Text">The caption as the blocks attend to it, [N, L, D]; null without captions.</param>
/// <param name="TextMask">[N, 1, 1, L] bool, true where there is text; null: everywhere.</param>
internal sealed record Conditioning(Tensor Activated, Tensor Time, Tensor[] Shared, Tensor? Text, Tensor? TextMask);
