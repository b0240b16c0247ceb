namespace Ddm.Services;

/// <summary>The types of messages in a stream of a run's events.</summary>
public static class StreamMessage
{
    /// <summary>Something happened: a <see cref="NumberedEvent"/>.</summary>
    public const string Event = "event";

    /// <summary>How the run stands: its <see cref="RunFacts"/>, at first and whenever they have changed.</summary>
    public const string Status = "status";

    /// <summary>The last message: the run has ended.</summary>
    public const string End = "end";
}
