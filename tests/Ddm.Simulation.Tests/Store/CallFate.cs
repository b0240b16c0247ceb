namespace Ddm.Simulation.Tests;

/// <summary>What becomes of a call over a network.</summary>
internal enum CallFate
{
    /// <summary>It takes effect and its reply arrives.</summary>
    Good,

    /// <summary>It fails and changes nothing.</summary>
    FailsBefore,

    /// <summary>It takes effect and its reply is lost.</summary>
    ReplyLost,

    /// <summary>It takes effect; the client, trying again by itself, meets its own first try and reports that the condition failed.</summary>
    RefusedAfterDone,

    /// <summary>The caller is told that it failed; it takes effect some time later.</summary>
    TakesEffectLate,
}
