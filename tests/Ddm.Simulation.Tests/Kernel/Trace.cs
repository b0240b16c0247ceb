using System.Globalization;
using System.Text;

namespace Ddm.Simulation.Tests;

/// <summary>What happened in a world: the last events, or all of them for a replay; and a digest that two runs of one seed must share.</summary>
internal sealed class Trace(bool everything)
{
    private const int Kept = 120;
    private readonly Queue<(TimeSpan At, string Who, string What, string Detail)> events = new();
    private ulong digest = 14695981039346656037;

    public long Count { get; private set; }

    /// <summary>FNV-1a over all events.</summary>
    public ulong Digest => digest;

    public void Add(TimeSpan at, string who, string what, string detail)
    {
        Count++;
        Mix(at.Ticks.ToString(CultureInfo.InvariantCulture));
        Mix(who);
        Mix(what);
        Mix(detail);
        events.Enqueue((at, who, what, detail));
        if (!everything && events.Count > Kept)
        {
            events.Dequeue();
        }
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (at, who, what, detail) in events)
        {
            text.Append(CultureInfo.InvariantCulture, $"{at:hh\\:mm\\:ss\\.fff}  {who,-16} {what} {detail}").AppendLine();
        }

        return text.ToString();
    }

    private void Mix(string text)
    {
        foreach (var c in text)
        {
            digest = (digest ^ c) * 1099511628211;
        }
    }
}
