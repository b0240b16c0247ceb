using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>A linear layer, y = x W^T + b, whose weights are left unset: <see cref="WeightInitializer"/> or a checkpoint gives them.</summary>
internal sealed class Dense : nn.Module
{
    private readonly Parameter weight; // [out, in]
    private readonly Parameter bias; // [out]

    public Dense(int inputs, int outputs, Device device)
        : base(nameof(Dense))
    {
        weight = new Parameter(empty([outputs, inputs], device: device));
        bias = new Parameter(empty([outputs], device: device));
        RegisterComponents();
    }

    /// <summary>[..., in] -> [..., out], computed in and returned as <paramref name="type"/>.</summary>
    public Tensor Forward(Tensor x, ComputeType type) => type == ComputeType.BFloat16
        ? F.linear(x.to(ScalarType.BFloat16), weight.to(ScalarType.BFloat16), bias.to(ScalarType.BFloat16))
        : F.linear(x, weight, bias);
}
