namespace Ddm.EndToEnd.Tests;

/// <summary>A span as it came in; ids in hex, an empty parent for a root.</summary>
internal sealed record ReceivedSpan(string Service, string Name, string Trace, string Id, string Parent, IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<string> LinkedTraces);
