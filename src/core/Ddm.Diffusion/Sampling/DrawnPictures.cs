using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>The record of how the pictures of a request were routed.</summary>
internal static class DrawnPictures
{
    /// <summary>Gathers it.</summary>
    /// <param name="pictures">All of one request, done.</param>
    /// <param name="images">[B, C, H, W]; becomes the result's.</param>
    /// <param name="ensemble">What drew them.</param>
    public static SampleResult Collect(IReadOnlyList<Picture> pictures, Tensor images, Ensemble ensemble)
    {
        var steps = pictures[0].Steps;
        var weights = new float[steps, pictures.Count, ensemble.Count];
        var (choices, gaps) = (new int[steps, pictures.Count], new double[steps, pictures.Count]);
        var evaluations = new long[ensemble.Count];
        for (var i = 0; i < pictures.Count; i++)
        {
            for (var step = 0; step < steps; step++)
            {
                (choices[step, i], gaps[step, i]) = (pictures[i].Choices[step], pictures[i].Gaps[step]);
                for (var k = 0; k < ensemble.Count; k++)
                {
                    weights[step, i, k] = pictures[i].Weights[step, k];
                }
            }

            for (var k = 0; k < ensemble.Count; k++)
            {
                evaluations[k] += pictures[i].Evaluations[k];
            }
        }

        return new SampleResult(images)
        {
            Weights = weights,
            Choices = choices,
            Gaps = gaps,
            Evaluations = evaluations,
            RouterEvaluations = pictures.Sum(p => p.RouterEvaluations),
            LiveMass = [.. pictures.Select(p => p.LiveMass)],
            Degraded = [.. pictures.Select(p => p.Degraded)],
        };
    }
}
