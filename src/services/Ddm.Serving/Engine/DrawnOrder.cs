using Ddm.Services;

namespace Ddm.Serving;

/// <summary>What an order came to.</summary>
/// <param name="Pictures">A picture each, [C, H, W] bytes.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Size">Their side, pixels.</param>
/// <param name="Record">How they were drawn and routed.</param>
/// <param name="Hosts">By expert, the hosts that answered for it at any step; empty: the experts were in this process.</param>
internal sealed record DrawnOrder(IReadOnlyList<byte[]> Pictures, int Channels, int Size, DrawingRecord Record, IReadOnlyDictionary<int, IReadOnlyList<string>> Hosts);
