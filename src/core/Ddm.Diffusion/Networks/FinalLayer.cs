using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Modulated norm and linear layer, always float32: velocity patches for a DiT, logits for a router.</summary>
internal abstract class FinalLayer(string name) : nn.Module(name)
{
    /// <summary>The layer that belongs to a network's blocks.</summary>
    public static FinalLayer Of(DiTConfig config, int outputs, Device device)
        => config.Text is null ? new DiTFinalLayer(config, outputs, device) : new TextFinalLayer(config, outputs, device);

    /// <summary>x [N, T, D] -> [N, T, outputs].</summary>
    public abstract Tensor Forward(Tensor x, Conditioning condition);
}
