using TorchSharp;

namespace Ddm.Evaluation;

/// <summary>How captions are measured.</summary>
public sealed record CaptionOptions
{
    /// <summary>Equal intervals of t.</summary>
    public int Bins { get; init; } = 10;

    /// <summary>Draws of noise and time in each.</summary>
    public int Draws { get; init; } = 2;

    /// <summary>Routers are compared at t from here on.</summary>
    public double RoutedFrom { get; init; } = 0.7;

    /// <summary>Keys noise, times and which caption is a row's wrong one.</summary>
    public long Seed { get; init; }

    /// <summary>Rows of one forward pass.</summary>
    public int BatchRows { get; init; } = 128;

    /// <summary>Where the models live; null: the CPU.</summary>
    public torch.Device? Device { get; init; }
}
