namespace Ddm.Training;

/// <summary>How far the training of an autoencoder is.</summary>
/// <param name="Step">Steps made.</param>
/// <param name="Target">Steps asked for.</param>
/// <param name="Loss">Mean loss of the latest steps.</param>
/// <param name="ImagesPerSecond">Rate of this process.</param>
/// <param name="Left">Time that the rest will take.</param>
/// <param name="Measured">The step that <paramref name="HeldOut"/> was measured after; 0: none yet.</param>
/// <param name="HeldOut">What was measured last.</param>
public sealed record VaeProgress(long Step, long Target, double Loss, double ImagesPerSecond, TimeSpan Left, long Measured, VaeQuality? HeldOut);
