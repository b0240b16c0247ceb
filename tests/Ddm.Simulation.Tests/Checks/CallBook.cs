using System.Globalization;

namespace Ddm.Simulation.Tests;

/// <summary>Counts calls of the store, by who makes them and what for.</summary>
internal sealed class CallBook
{
    private readonly Dictionary<(string Who, string Verb, string Kind), long> calls = [];

    public void Add(string process, string verb, string name)
    {
        var key = (process[..process.IndexOfAny(['-', '.'])], verb, KindOf(name));
        calls[key] = calls.GetValueOrDefault(key) + 1;
    }

    public void Clear() => calls.Clear();

    /// <summary>Calls that are meant.</summary>
    public long Count(Func<(string Who, string Verb, string Kind), bool> which) => calls.Where(call => which(call.Key)).Sum(call => call.Value);

    public override string ToString() => string.Join(
        ", ", calls.OrderByDescending(call => call.Value).Select(call => string.Create(CultureInfo.InvariantCulture, $"{call.Key.Who} {call.Key.Verb} {call.Key.Kind} {call.Value}")));

    // What a blob is, whatever role and step it is of: "head.json", "workers", "part".
    private static string KindOf(string name)
    {
        var folder = name.IndexOf('/', StringComparison.Ordinal);
        return name.Contains("/checkpoints/", StringComparison.Ordinal) ? name.EndsWith("/manifest.json", StringComparison.Ordinal) ? "manifest" : "part"
            : name.StartsWith("runs/", StringComparison.Ordinal) ? name[(name.LastIndexOf('/') + 1)..]
            : folder < 0 ? name : name[..folder];
    }
}
