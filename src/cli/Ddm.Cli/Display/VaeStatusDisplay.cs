using Ddm.Training;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary>One line on a terminal that is redrawn as the training goes.</summary>
internal sealed class VaeStatusDisplay(StatusContext status) : IVaeProgress
{
    public void Reading(int done, int total) => Set(VaeDisplay.Reading(done, total));

    public void Training(VaeProgress progress) => Set(VaeDisplay.Line(progress));

    public void Notice(string message) => AnsiConsole.MarkupLineInterpolated($"[yellow]note: {message}[/]");

    private void Set(string text) => status.Status(Markup.Escape(text));
}
