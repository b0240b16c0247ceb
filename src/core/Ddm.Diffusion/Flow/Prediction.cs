namespace Ddm.Diffusion;

/// <summary>What a network was trained to predict.</summary>
public enum Prediction
{
    /// <summary>The velocity of the straight path between data and noise.</summary>
    Velocity,

    /// <summary>The noise in x = sqrt(abar_n) x_0 + sqrt(1 - abar_n) eps (Ho et al., "Denoising diffusion probabilistic models", 2020).</summary>
    Epsilon,
}
