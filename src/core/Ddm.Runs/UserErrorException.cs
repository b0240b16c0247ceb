namespace Ddm.Runs;

/// <summary>
/// A mistake that its user can mend. The message names the value, the place and the remedy, and is shown as it is, without a stack trace:
/// exit code 2 on the command line, 4xx over HTTP.
/// </summary>
public sealed class UserErrorException : Exception
{
    /// <summary>An error with its whole text.</summary>
    public UserErrorException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its whole text and what caused it.</summary>
    public UserErrorException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>True where waiting may mend it too: a full disk, a store that refuses this machine. Services go on trying.</summary>
    public bool MayPass { get; init; }
}
