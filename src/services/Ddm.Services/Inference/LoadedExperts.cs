using Ddm.Diffusion;

namespace Ddm.Services;

/// <summary>Some experts of a model in memory, without anything else of it. Belongs to the device thread.</summary>
internal sealed class LoadedExperts(ModelManifest manifest, IReadOnlyList<IVelocityModel?> models, IReadOnlyList<IDisposable> owned) : IDisposable
{
    /// <summary>What they are of.</summary>
    public ModelManifest Manifest { get; } = manifest;

    /// <summary>By cluster; null: not among these.</summary>
    public IReadOnlyList<IVelocityModel?> Models { get; } = models;

    /// <summary>The shape of one of them.</summary>
    public DiTConfig Shape(int expert) => ModelLoader.Shape(Manifest, Manifest.Experts[expert], Manifest.Expert);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in owned)
        {
            part.Dispose();
        }
    }
}
