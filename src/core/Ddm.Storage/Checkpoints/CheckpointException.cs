namespace Ddm.Storage;

/// <summary>
/// A role's checkpoints cannot be used and a person has to look: none is good, the head is lost, or they belong to another run, other data or a newer
/// version. Never answered by starting from step 0.
/// </summary>
public sealed class CheckpointException : Exception
{
    /// <summary>An error with its whole text.</summary>
    public CheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its whole text and what caused it.</summary>
    public CheckpointException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
