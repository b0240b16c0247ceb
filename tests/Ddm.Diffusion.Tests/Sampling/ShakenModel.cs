namespace Ddm.Diffusion.Tests;

/// <summary>Small networks with weights that are not zero anywhere.</summary>
internal sealed class ShakenModel : IDisposable
{
    private readonly DiT[] experts;
    private readonly RouterNetwork router;

    public ShakenModel(DiTConfig config, int experts)
    {
        this.experts = [.. Enumerable.Range(0, experts).Select(k => Shaken.Fill(new DiT(config), 10 + k))];
        router = Shaken.Fill(new RouterNetwork(config, experts), 99);
        Shape = [config.Channels, config.ImageSize, config.ImageSize];
        NullLabel = config.Classes;
    }

    public IReadOnlyList<long> Shape { get; }

    private long NullLabel { get; }

    public Ensemble Ensemble() => new([.. experts.Select(e => new DiTExpert(e))], new NetworkRouter(router), NullLabel);

    public Sampler Sampler() => new(Ensemble(), Shape);

    public void Dispose()
    {
        Array.ForEach(experts, e => e.Dispose());
        router.Dispose();
    }
}
