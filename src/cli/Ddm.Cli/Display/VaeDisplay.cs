using System.Globalization;
using Ddm.Training;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary>Shows the training of an autoencoder: one line that changes for people, lines where output is not a terminal, JSON lines for machines.</summary>
internal static class VaeDisplay
{
    /// <summary>Runs something with the display that fits where output goes.</summary>
    public static T Show<T>(bool json, Func<IVaeProgress, T> run)
    {
        if (json)
        {
            return run(new VaeJsonDisplay());
        }

        return AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? AnsiConsole.Status().Start("starting", status => run(new VaeStatusDisplay(status)))
            : run(new VaeLineDisplay(TimeProvider.System));
    }

    /// <summary>Pictures read, as people read it.</summary>
    public static string Reading(int done, int total) => string.Create(CultureInfo.InvariantCulture, $"{done:N0}/{total:N0} pictures read");

    /// <summary>A step, as people read it.</summary>
    public static string Line(VaeProgress p)
    {
        var quality = p.HeldOut is null ? "" : string.Create(CultureInfo.InvariantCulture, $"; PSNR {p.HeldOut.Psnr:F2} dB at step {p.Measured}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"step {p.Step}/{p.Target}, {p.ImagesPerSecond:F0} images/s, loss {p.Loss:F4}, about {TrainingText.Span(p.Left)} left{quality}");
    }
}
