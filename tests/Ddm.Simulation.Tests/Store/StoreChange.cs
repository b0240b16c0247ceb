using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>A change of the store.</summary>
/// <param name="By">The process that asked for it.</param>
/// <param name="Name">The blob.</param>
/// <param name="Before">What it was; null: absent.</param>
/// <param name="After">What it is; null: deleted.</param>
internal sealed record StoreChange(string By, string Name, BlobContent? Before, BlobContent? After);
