using Ddm.Training;

namespace Ddm.Cli;

/// <summary>Plain lines for logs and pipes: the first step, the last, and between them one every ten seconds.</summary>
internal sealed class VaeLineDisplay(TimeProvider time) : IVaeProgress
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private long? shown;

    public void Reading(int done, int total) => Write(VaeDisplay.Reading(done, total), always: done == total);

    public void Training(VaeProgress progress) => Write(VaeDisplay.Line(progress), always: progress.Step == progress.Target);

    public void Notice(string message) => Console.WriteLine("note: " + message);

    private void Write(string text, bool always)
    {
        if (always || shown is not { } at || time.GetElapsedTime(at) >= Every)
        {
            shown = time.GetTimestamp();
            Console.WriteLine(text);
        }
    }
}
