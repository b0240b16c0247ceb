using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>A state as it was at one step, in host memory: written while training goes on.</summary>
public sealed class StateCopy : IDisposable
{
    private readonly IReadOnlyList<Tensor> tensors;

    internal StateCopy(long step, IReadOnlyList<(string Name, Action<Stream> Write)> parts, IReadOnlyList<Tensor> tensors)
        => (Step, Parts, this.tensors) = (step, parts, tensors);

    /// <summary>Updates made when it was taken.</summary>
    public long Step { get; }

    /// <summary>As <see cref="TrainingState.Parts()"/>; not to be written once this is disposed.</summary>
    public IReadOnlyList<(string Name, Action<Stream> Write)> Parts { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in tensors)
        {
            tensor.Dispose();
        }
    }
}
