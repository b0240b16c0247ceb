namespace Ddm.Evaluation;

/// <summary>The class agreement of one strategy.</summary>
/// <param name="Title">What drew the pictures: <c>ancestral, 20 steps, guidance 1.5</c>.</param>
/// <param name="Result">The measurement.</param>
public sealed record AgreementFacts(string Title, ClassAgreementResult Result);

/// <summary>Distances of one set of pictures from the real ones. What was not measured is null.</summary>
/// <param name="Title">The set: a strategy, or <c>real against real</c>, the floor.</param>
/// <param name="Features">The features the distance was measured in.</param>
/// <param name="Pictures">Rows of the set.</param>
/// <param name="Real">Rows of the real set.</param>
/// <param name="Frechet">Frechet distance.</param>
/// <param name="Kernel">Unbiased polynomial-kernel distance (KID).</param>
public sealed record DistanceFacts(string Title, string Features, long Pictures, long Real, double? Frechet, double? Kernel);
