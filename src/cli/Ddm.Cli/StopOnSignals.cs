using System.Runtime.InteropServices;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Turns the first Ctrl+C or SIGTERM into a stop at the next step boundary; the second ends the process at once, which loses only uncommitted steps.</summary>
internal sealed class StopOnSignals : IDisposable
{
    private const string OfSlices = "Stopping: the running slice commits at its next step boundary (again to quit at once).";

    private readonly string message;
    private readonly StopSignal stop;
    private readonly PosixSignalRegistration[] registrations;
    private int raised;

    /// <param name="stop">Raised by the first signal.</param>
    /// <param name="message">What is said then.</param>
    public StopOnSignals(StopSignal stop, string message = OfSlices)
    {
        (this.stop, this.message) = (stop, message);
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, On), PosixSignalRegistration.Create(PosixSignal.SIGTERM, On)];
    }

    public void Dispose() => Array.ForEach(registrations, r => r.Dispose());

    private void On(PosixSignalContext context)
    {
        if (Interlocked.Exchange(ref raised, 1) == 0)
        {
            context.Cancel = true;
            Console.Error.WriteLine(message);
            stop.Raise();
        }
    }
}
