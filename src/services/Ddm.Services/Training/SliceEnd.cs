namespace Ddm.Services;

/// <summary>How a slice ended.</summary>
/// <param name="Step">Steps committed.</param>
/// <param name="Why">What comes next.</param>
internal readonly record struct SliceEnd(long Step, SliceEndKind Why);

/// <summary>What comes after a slice.</summary>
internal enum SliceEndKind
{
    /// <summary>The role has its steps.</summary>
    Complete,

    /// <summary>Its successor is to be sent.</summary>
    Yielded,

    /// <summary>The process winds down; the successor is another's.</summary>
    Stopped,

    /// <summary>The role was taken away: there is nothing to send.</summary>
    Lost,
}
