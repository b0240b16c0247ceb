namespace Ddm.Training;

/// <summary>What one step reports: a line of <c>metrics.jsonl</c>.</summary>
/// <param name="Step">Updates made, this one included.</param>
/// <param name="Loss">Mean loss of the global batch.</param>
/// <param name="GradNorm">Global norm of the gradient before clipping.</param>
/// <param name="LearningRate">Rate of this update.</param>
/// <param name="Images">Rows of the global batch.</param>
/// <param name="Seconds">Wall time of the step.</param>
/// <param name="HeldOutLoss">Loss of the averaged weights on held-out rows, where it was measured after this step.</param>
/// <param name="Replayed">True when the first try was not finite and the second was: a fault of the machine, not of the training.</param>
public sealed record StepMetrics(
    long Step, double Loss, double GradNorm, double LearningRate, int Images, double Seconds, double? HeldOutLoss = null, bool Replayed = false);
