namespace Ddm.Training;

/// <summary>What one step of an autoencoder's training reports: a line of <c>training.jsonl</c>.</summary>
/// <param name="Step">Updates made, this one included.</param>
/// <param name="Loss">The whole loss: see <see cref="VaeSettings.Kl"/>.</param>
/// <param name="Error">Mean absolute error of the batch's decoded pictures, in [-1, 1].</param>
/// <param name="Kl">Mean divergence of a picture's posterior, nats.</param>
/// <param name="GradNorm">Norm of the gradient before clipping.</param>
/// <param name="LearningRate">Rate of the update.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="HeldOut">What the averaged weights make of held-out pictures, where that was measured after this step.</param>
public sealed record VaeStep(
    long Step, double Loss, double Error, double Kl, double GradNorm, double LearningRate, double Seconds, VaeQuality? HeldOut = null);
