namespace Ddm.Training;

/// <summary>How a command's training of an autoencoder ended.</summary>
/// <param name="Step">Steps made; fewer than asked for where it was stopped.</param>
/// <param name="Quality">What the autoencoder makes of held-out pictures; null: stopped, nothing is written but the state.</param>
/// <param name="HeldOut">Whether <paramref name="Quality"/> is of held-out pictures; false where none is held out.</param>
/// <param name="Seconds">Of training, all processes together.</param>
public sealed record VaeOutcome(long Step, VaeQuality? Quality, bool HeldOut, double Seconds);
