using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Chaos.Tests;

/// <summary>One fault of a run, from its beginning to the sign of recovery.</summary>
/// <param name="Number">1 for the first.</param>
/// <param name="Kind">What was done.</param>
/// <param name="From">When it began.</param>
internal sealed record Fault(int Number, FaultKind Kind, DateTimeOffset From)
{
    /// <summary>When the run had recovered.</summary>
    public DateTimeOffset Until { get; set; } = DateTimeOffset.MaxValue;

    /// <summary>The process that it hit; null: none by itself.</summary>
    public ServiceProcess? Process { get; init; }

    /// <summary>The checkpoint that it damaged, by its blob prefix.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>That checkpoint's manifest, which a sweep may take away later.</summary>
    public CheckpointManifest? Manifest { get; init; }

    /// <summary>The role that it hit.</summary>
    public Role? Role { get; init; }

    /// <summary>Whether that process looked after the run.</summary>
    public bool HeldLease { get; init; }

    /// <summary>Epoch at which that process held the role.</summary>
    public long? Epoch { get; init; }
}
