namespace Ddm.Services;

/// <summary>What came of a policy.</summary>
/// <param name="Done">Whether it stands.</param>
/// <param name="Text">How it was set; or the command a person has to run on the broker's machine.</param>
public sealed record PolicyOutcome(bool Done, string Text);
