using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>A linear layer, y = x W^T + b, whose weights are left unset: <see cref="WeightInitializer"/> or a checkpoint gives them.</summary>
internal sealed class Dense : nn.Module
{
    private readonly Parameter weight; // [out, in]
    private readonly Parameter bias; // [out]

    public Dense(int inputs, int outputs, WeightPlace place)
        : base(nameof(Dense))
    {
        weight = new Parameter(empty([outputs, inputs], place.Element, place.Device));
        bias = new Parameter(empty([outputs], device: place.Device));
        RegisterComponents();
    }

    /// <summary>[..., in] -> [..., out], computed in and returned as <paramref name="type"/>.</summary>
    public Tensor Forward(Tensor x, ComputeType type) => Product(x, weight, bias, type);

    /// <summary>Outputs <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> - 1 alone: [..., in] -> [..., count].</summary>
    public Tensor Forward(Tensor x, ComputeType type, long first, long count) => Product(x, weight.narrow(0, first, count), bias.narrow(0, first, count), type);

    private static Tensor Product(Tensor x, Tensor w, Tensor b, ComputeType type)
    {
        if (type == ComputeType.BFloat16)
        {
            return FewRows.Linear(x.to(ScalarType.BFloat16), w.to(ScalarType.BFloat16), b.to(ScalarType.BFloat16));
        }

        if (w.dtype == ScalarType.Float32)
        {
            return FewRows.Linear(x, w, b);
        }

        using var wide = Widened.Of(w);
        return FewRows.Linear(x, wide, b);
    }
}
