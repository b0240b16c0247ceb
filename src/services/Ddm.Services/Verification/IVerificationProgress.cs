namespace Ddm.Services;

/// <summary>Hears how far a verification has come.</summary>
public interface IVerificationProgress
{
    /// <summary>A role's chain was walked.</summary>
    void Walked(RoleVerification role);

    /// <summary>Slices were drawn and are made again next.</summary>
    void Drawn(int slices, int candidates, long seed);

    /// <summary>A slice has come to <paramref name="step"/>, between the two of <paramref name="slice"/>; its faults are not known yet.</summary>
    void Stepped(SliceVerification slice, long step);

    /// <summary>A slice was made again.</summary>
    void Replayed(SliceVerification slice);
}
