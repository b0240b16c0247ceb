namespace Ddm.Cli;

/// <summary>What can be done to a whole run.</summary>
internal enum RunAction
{
    /// <summary>End it for good.</summary>
    Cancel,

    /// <summary>Hold it.</summary>
    Pause,

    /// <summary>Let it go on.</summary>
    Resume,

    /// <summary>Take it up again after a failure.</summary>
    Retry,
}
