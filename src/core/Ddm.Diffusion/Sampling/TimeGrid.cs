namespace Ddm.Diffusion;

/// <summary>The times a solver steps through, from noise (1) to data (0).</summary>
public static class TimeGrid
{
    /// <summary>s t / (1 + (s - 1) t): spends more of the steps near noise for s above 1 (Esser et al. 2024, equation 23).</summary>
    public static double Shift(double t, double shift) => shift * t / (1 + ((shift - 1) * t));

    /// <summary>steps + 1 shifted times from 1 to 0.</summary>
    public static double[] Uniform(int steps, double shift)
    {
        var times = new double[steps + 1];
        for (var i = 0; i <= steps; i++)
        {
            times[i] = Shift((steps - i) / (double)steps, shift);
        }

        return times;
    }

    /// <summary>
    /// The sigmas of diffusers' <c>FlowMatchEulerDiscreteScheduler.set_timesteps(steps)</c>: steps + 1 values, the last 0. Its smallest sigma is shifted
    /// twice, once when the scheduler is made and once with the grid; pipelines tuned with it expect that.
    /// </summary>
    /// <param name="steps">Model evaluations.</param>
    /// <param name="shift">The scheduler's shift.</param>
    /// <param name="trainTimesteps">Times the scheduler was made with.</param>
    public static double[] FlowMatchEulerDiscrete(int steps, double shift, int trainTimesteps = 1000)
    {
        var least = Shift(1.0 / trainTimesteps, shift);
        var sigmas = new double[steps + 1];
        for (var i = 0; i < steps; i++)
        {
            var unshifted = steps == 1 ? 1 : 1 + ((least - 1) * i / (steps - 1));
            sigmas[i] = Shift(unshifted, shift);
        }

        return sigmas;
    }
}
