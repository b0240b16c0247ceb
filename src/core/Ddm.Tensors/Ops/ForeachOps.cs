using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>
/// Operations over all of a model's tensors at once that libtorch has and TorchSharp does not show, reached through one constant TorchScript
/// (a script that does not compile ends the process, so none is ever made at run time). Call inside a dispose scope; gradients are never recorded.
/// </summary>
public static class ForeachOps
{
    private const string Script = """
        def measure(grads: List[Tensor], loss: Tensor, max_norm: float):
            norm = torch.linalg_vector_norm(torch.stack(torch._foreach_norm(grads, 2.0)))
            finite = torch.logical_and(torch.isfinite(norm), torch.isfinite(loss))
            flag = torch.masked_fill(torch.zeros_like(norm), torch.logical_not(finite), 1.0)
            divisor = torch.clamp((norm + 1e-6) / max_norm, min=1.0)
            return torch.stack([loss, norm, flag, divisor])

        def fused_adamw(params: List[Tensor], grads: List[Tensor], m: List[Tensor], v: List[Tensor], none: List[Tensor], steps: List[Tensor],
                        lr: float, beta1: float, beta2: float, weight_decay: float, eps: float, statistics: Tensor):
            torch._fused_adamw_(params, grads, m, v, none, steps, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, eps=eps,
                                amsgrad=False, maximize=False, grad_scale=statistics[3], found_inf=statistics[2])
            return params[0]

        def lerp_all(averages: List[Tensor], values: List[Tensor], weight: float):
            torch._foreach_lerp_(averages, values, weight)
            return averages[0]

        """;

    private static readonly Lazy<jit.CompilationUnit> Unit = new(Compile);
    private static readonly Tensor[] None = [];

    /// <summary>
    /// Looks at a step's gradients without leaving the device: their global 2-norm, whether loss and norm are finite, and what the gradients
    /// must be divided by so that their norm is at most <paramref name="maxNorm"/>.
    /// </summary>
    /// <param name="gradients">Float32, all on one device.</param>
    /// <param name="loss">0-d float32 on the same device.</param>
    /// <param name="maxNorm">Largest norm allowed.</param>
    /// <returns>[4] float32: loss, norm, 1 when something is not finite (else 0), divisor.</returns>
    public static Tensor Measure(Tensor[] gradients, Tensor loss, Scalar maxNorm) => Invoke("measure", gradients, loss, maxNorm);

    /// <summary>
    /// One AdamW update (Loshchilov and Hutter, 2019) in one kernel, gradients clipped by the way. With the non-finite flag set, weights and
    /// moments keep their bits.
    /// </summary>
    /// <param name="parameters">Float32 weights, changed in place.</param>
    /// <param name="gradients">Their gradients; clipped in place.</param>
    /// <param name="firstMoments">Running means of the gradients, changed in place.</param>
    /// <param name="secondMoments">Running means of their squares, changed in place.</param>
    /// <param name="step">0-d float32 on the same device: the number of this update, 1 for the first.</param>
    /// <param name="settings">Rates of this update.</param>
    /// <param name="statistics">What <see cref="Measure"/> returned.</param>
    public static void FusedAdamW(
        Tensor[] parameters, Tensor[] gradients, Tensor[] firstMoments, Tensor[] secondMoments, Tensor step, AdamWSettings settings, Tensor statistics)
    {
        var steps = new Tensor[parameters.Length];
        Array.Fill(steps, step);
        using Scalar rate = settings.LearningRate, beta1 = settings.Beta1, beta2 = settings.Beta2, decay = settings.WeightDecay, epsilon = settings.Epsilon;
        Invoke("fused_adamw", parameters, gradients, firstMoments, secondMoments, None, steps, rate, beta1, beta2, decay, epsilon, statistics).Dispose();
    }

    /// <summary>averages += weight (values - averages), in place.</summary>
    public static void LerpAll(Tensor[] averages, Tensor[] values, double weight)
    {
        using Scalar share = weight;
        Invoke("lerp_all", averages, values, share).Dispose();
    }

    private static Tensor Invoke(string function, params object[] arguments)
    {
        using var gradientsOff = no_grad();
        return Unit.Value.invoke<Tensor>(function, arguments);
    }

    private static jit.CompilationUnit Compile()
    {
        TorchNative.EnsureLoaded();
        return jit.compile(Script);
    }
}
