namespace Ddm.Data;

/// <summary>A picture that cannot be used. Its message is the reason, as the quarantine list shows it.</summary>
public sealed class BadImageException : Exception
{
    /// <summary>A reason alone.</summary>
    public BadImageException(string message)
        : base(message)
    {
    }

    /// <summary>A reason and what the decoder said.</summary>
    public BadImageException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
