using Ddm.Diffusion;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>Rows at times of an interval: functions of the seed, the interval and the row alone, so that whatever is measured on them is compared on the same inputs.</summary>
/// <param name="X0">As networks see them, [N, C, H, W] float32.</param>
/// <param name="Eps">Their noise.</param>
/// <param name="T">Their times, [N].</param>
/// <param name="Xt">x_t.</param>
internal sealed record NoisedRows(Tensor X0, Tensor Eps, Tensor T, Tensor Xt)
{
    /// <summary>v = eps - x_0.</summary>
    public Tensor Velocity => LinearPath.Velocity(X0, Eps);

    /// <summary>Rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> in interval <paramref name="bin"/>, tensors of the caller's scope.</summary>
    public static NoisedRows Of(EvaluationRows rows, int first, int count, Philox noise, (int Number, double From, double To) bin, Device device)
    {
        var width = rows.Channels * rows.Size * rows.Size;
        var (eps, time) = (new float[count * width], new float[count]);
        for (var i = 0; i < count; i++)
        {
            // Even steps of the stream are noise, odd ones times: the two never share a counter.
            noise.FillNormal(eps.AsSpan(i * width, width), (ulong)(2 * bin.Number), (uint)(first + i));
            time[i] = (float)(bin.From + ((bin.To - bin.From) * noise.Uniform((ulong)((2 * bin.Number) + 1), (uint)(first + i))));
        }

        var x0 = rows.Images(first, count).to(device);
        var (e, t) = (tensor(eps).view(x0.shape).to(device), tensor(time).to(device));
        var blend = t.view(count, 1, 1, 1);
        return new NoisedRows(x0, e, t, x0.mul(blend.OneMinus()).Plus(blend.mul(e)));
    }
}
