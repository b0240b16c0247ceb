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

    /// <summary>A checkpoint of another class than its role's.</summary>
    public NumericsMismatchException(string checkpoint, NumericsClass its, NumericsClass here)
        : base($"{checkpoint} was trained in the numerics class [{its}], and its role is trained in [{here}]: steps of two classes do not make one reproducible "
            + "training. Bring the role's own checkpoints back, or train on a worker of that class.")
    {
        Asked = its;
        Here = here;
    }

    /// <summary>What the role was given.</summary>
    public NumericsClass Asked { get; }

    /// <summary>What this process computes in.</summary>
    public NumericsClass Here { get; }
}
