using Ddm.Diffusion;

namespace Ddm.Serving;

/// <summary>An expert that a question holds in memory until it is disposed.</summary>
internal sealed class HostedExpert(IVelocityModel model, DiTConfig shape, Action release) : IDisposable
{
    public IVelocityModel Model { get; } = model;

    public DiTConfig Shape { get; } = shape;

    /// <inheritdoc/>
    public void Dispose() => release();
}
