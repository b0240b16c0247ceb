namespace Ddm.Runs;

/// <summary>The space that a run's networks see, where it is not the pixels'.</summary>
public sealed record LatentSpec
{
    /// <summary>The autoencoder's file or folder, relative to the spec; null: networks see pixels.</summary>
    public string? Vae { get; init; }

    /// <summary>Channels of a latent: those of the autoencoder.</summary>
    public int Channels { get; init; } = 4;

    /// <summary>Pixels that a latent's side stands for: those of the autoencoder.</summary>
    public int Factor { get; init; } = 8;
}
