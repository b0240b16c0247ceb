namespace Ddm.Diffusion;

/// <summary>Which end of a network's time is data.</summary>
public enum TimeDirection
{
    /// <summary>0 is data, 1 is noise: ours, Paris', and the steps of every noise schedule.</summary>
    DataToNoise,

    /// <summary>0 is noise, 1 is data, and the velocity is data - noise: SiT's.</summary>
    NoiseToData,
}
