using Ddm.Runs;

namespace Ddm.Training;

/// <summary>This process cannot compute in the numerics class that a role or a checkpoint was given: another worker must.</summary>
public sealed class NumericsMismatchException : Exception
{
    /// <summary>The two classes.</summary>
    public NumericsMismatchException(NumericsClass asked, NumericsClass here)
        : base($"The role was given the numerics class [{asked}], but this worker computes in [{here}]. Train it on a worker of its class, or submit it anew for this one.")
    {
        Asked = asked;
        Here = here;
    }

    /// <summary>What the role was given.</summary>
    public NumericsClass Asked { get; }

    /// <summary>What this process computes in.</summary>
    public NumericsClass Here { get; }
}
