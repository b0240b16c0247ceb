using Ddm.Runs;
using Ddm.Tensors;

namespace Ddm.Training;

/// <summary>The learning rate as a function of the step: linear warm-up, then the decay that the spec names.</summary>
public static class LearningRate
{
    /// <summary>The rate of the update that makes step + 1 of <paramref name="step"/>. The last step of the spec, and any beyond it, takes the final rate.</summary>
    /// <param name="training">The role's training.</param>
    /// <param name="step">Updates made before this one.</param>
    public static double At(TrainingSpec training, long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        var (peak, final) = (training.LearningRate, training.FinalLearningRate);
        if (step < training.Warmup)
        {
            return peak * (step + 1) / training.Warmup;
        }

        var progress = Math.Min(1, (step - training.Warmup) / (double)Math.Max(1, training.Steps - 1 - training.Warmup)); // 0 to 1
        return training.Decay switch
        {
            LearningRateDecay.Constant => peak,
            LearningRateDecay.Linear => peak + ((final - peak) * progress),
            LearningRateDecay.Cosine => final + ((peak - final) * 0.5 * (1 + PortableMath.SinCosOfTurns(progress / 2).Cosine)),
            _ => throw new UserErrorException($"'{training.Decay}' is no learning-rate decay: use constant, linear or cosine."),
        };
    }
}
