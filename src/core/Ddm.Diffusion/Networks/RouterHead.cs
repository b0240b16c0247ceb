using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>The head of Paris' router (arXiv 2510.03434): linear, GELU, norm, GELU, linear. Entries 0, 2 and 4 of the reference's sequence. Always float32.</summary>
internal sealed class RouterHead : nn.Module
{
    private const double NormEps = 1e-5;

    [ComponentName(Name = "0")]
    private readonly Dense first;

    [ComponentName(Name = "2")]
    private readonly RouterNorm norm;

    [ComponentName(Name = "4")]
    private readonly Dense last;

    public RouterHead(int hidden, int experts, Device device)
        : base(nameof(RouterHead))
    {
        first = new Dense(hidden, hidden, device);
        norm = new RouterNorm(hidden, device);
        last = new Dense(hidden, experts, device);
        RegisterComponents();
    }

    /// <summary>The token's state [N, 1, D] -> logits [N, 1, K].</summary>
    public Tensor Forward(Tensor token)
    {
        var inner = norm.Forward(Gelu(first.Forward(token, ComputeType.Float32)), NormEps);
        return last.Forward(Gelu(inner), ComputeType.Float32);
    }

    private static Tensor Gelu(Tensor x) => F.gelu(x, GELU.Approximate.tanh, inplace: false);
}

/// <summary>A norm with weights.</summary>
internal sealed class RouterNorm : nn.Module
{
    private readonly Parameter weight; // [D]
    private readonly Parameter bias; // [D]

    public RouterNorm(int width, Device device)
        : base(nameof(RouterNorm))
    {
        weight = new Parameter(empty([width], device: device));
        bias = new Parameter(empty([width], device: device));
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, double eps) => F.layer_norm(x, [x.size(-1)], weight, bias, eps);
}
