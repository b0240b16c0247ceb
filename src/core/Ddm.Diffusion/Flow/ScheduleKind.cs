namespace Ddm.Diffusion;

/// <summary>The noise schedules that networks of noise are trained with.</summary>
public enum ScheduleKind
{
    /// <summary>Betas evenly spaced from 1e-4 to 0.02: DDPM's, and of the published DiT weights.</summary>
    Linear,

    /// <summary>abar after a squared cosine with the offset 0.008, betas at most 0.999 (Nichol and Dhariwal, "Improved denoising diffusion probabilistic models", 2021).</summary>
    Cosine,
}
