namespace Ddm.Serving;

/// <summary>What every request that is not answered gets.</summary>
/// <param name="Error">Why.</param>
internal sealed record ErrorAnswer(ErrorBody Error);
