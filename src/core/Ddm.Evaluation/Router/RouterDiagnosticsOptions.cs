namespace Ddm.Evaluation;

/// <summary>How a router is measured.</summary>
public sealed record RouterDiagnosticsOptions
{
    /// <summary>Equal intervals of t.</summary>
    public int Bins { get; init; } = 10;

    /// <summary>Keys noise and times.</summary>
    public long Seed { get; init; }

    /// <summary>Where the router lives; null: the CPU.</summary>
    public TorchSharp.torch.Device? Device { get; init; }

    /// <summary>Rows of one forward pass.</summary>
    public int BatchRows { get; init; } = 256;
}
