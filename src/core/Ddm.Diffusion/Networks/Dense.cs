using TorchSharp.Modules;
using static TorchSharp.torch;

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
        ? FewRows.Linear(x.to(ScalarType.BFloat16), weight.to(ScalarType.BFloat16), bias.to(ScalarType.BFloat16))
        : FewRows.Linear(x, weight, bias);

    /// <summary>Outputs <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> - 1 alone: [..., in] -> [..., count].</summary>
    public Tensor Forward(Tensor x, ComputeType type, long first, long count)
    {
        var (w, b) = (weight.narrow(0, first, count), bias.narrow(0, first, count));
        return type == ComputeType.BFloat16
            ? FewRows.Linear(x.to(ScalarType.BFloat16), w.to(ScalarType.BFloat16), b.to(ScalarType.BFloat16))
            : FewRows.Linear(x, w, b);
    }
}
