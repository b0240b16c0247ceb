using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Ddm.Chaos.Tests;

/// <summary>What was done to the run and what came of it, with times: shown as it goes, and with every failure.</summary>
internal sealed class ChaosLog(ITestOutputHelper output)
{
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly ConcurrentQueue<string> lines = new();

    /// <summary>Adds a line.</summary>
    public void Add(string text)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds,7:F1} s  {text}");
        lines.Enqueue(line);
        output.WriteLine(line);
    }

    public override string ToString() => string.Join(Environment.NewLine, lines);
}
