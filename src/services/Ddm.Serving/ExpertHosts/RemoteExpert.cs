using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Serving;

/// <summary>An expert that lives on hosts. Rows become bytes on the device thread, before anything is waited for, and bytes become rows there.</summary>
internal sealed class RemoteExpert(ExpertFleet fleet, int index, string sha256) : IVelocityModel
{
    /// <inheritdoc/>
    public bool Live => fleet.IsHeld(sha256);

    /// <inheritdoc/>
    public Tensor Velocity(Tensor x, Tensor t, Tensor? condition)
    {
        using var call = Begin(x, t, condition);
        return call.Answer();
    }

    /// <inheritdoc/>
    public VelocityCall Begin(Tensor x, Tensor t, Tensor? condition)
    {
        var question = new VelocityQuestion(sha256, WireTensor.Of(x), WireTensor.Of(t), condition is null ? null : WireTensor.Of(condition));
        var (device, type, patience) = (x.device, x.dtype, new CancellationTokenSource());
        var answer = Task.Run(() => fleet.AskAsync(question, index, patience.Token), CancellationToken.None);
        var arrival = answer.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return new VelocityCall(
            arrival, () => answer.GetAwaiter().GetResult().Velocity.ToTensor(device).to(type), patience.Cancel, () => answer.GetAwaiter().GetResult().By.Address.ToString());
    }
}
