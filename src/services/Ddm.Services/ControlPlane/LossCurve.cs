using Ddm.Training;

namespace Ddm.Services;

/// <summary>A role's losses, thinned to what a picture can show.</summary>
/// <param name="Role">experts/K or router.</param>
/// <param name="Loss">[step, loss]: means over equal spans, each at its last step; oldest first.</param>
/// <param name="HeldOut">[step, loss] on held-out rows, where it was measured.</param>
/// <param name="Damaged">What is left out because it is missing or damaged, a sentence each.</param>
public sealed record LossCurve(string Role, IReadOnlyList<double[]> Loss, IReadOnlyList<double[]> HeldOut, IReadOnlyList<string> Damaged)
{
    /// <summary>The curve of steps.</summary>
    /// <param name="role">Whose.</param>
    /// <param name="steps">Oldest first.</param>
    /// <param name="points">Spans at most.</param>
    /// <param name="damaged">What is left out.</param>
    public static LossCurve Of(string role, IReadOnlyList<StepMetrics> steps, int points, IReadOnlyList<string> damaged)
    {
        var span = Math.Max(1, (steps.Count + points - 1) / points);
        return new LossCurve(
            role,
            [.. steps.Chunk(span).Select(part => new[] { part[^1].Step, part.Average(step => step.Loss) })],
            [.. steps.Where(step => step.HeldOutLoss is not null).Select(step => new[] { step.Step, step.HeldOutLoss!.Value })],
            damaged);
    }
}
