using Ddm.Diffusion;

namespace Ddm.Services;

/// <summary>How one drawing came about: written beside its grid.</summary>
/// <param name="Model">Name and version.</param>
/// <param name="Partial">True when roles were unfinished or missing.</param>
/// <param name="Notices">Why it is partial.</param>
/// <param name="Strategy">Routing strategy.</param>
/// <param name="Steps">Solver steps.</param>
/// <param name="Guidance">Guidance scale.</param>
/// <param name="Solver">Euler or Heun.</param>
/// <param name="Shift">Timestep shift.</param>
/// <param name="GuidanceRouting">Shared or separate.</param>
/// <param name="ExpertRows">Rows each expert was evaluated on: forwards of one image.</param>
/// <param name="RouterRows">Rows the router was evaluated on.</param>
/// <param name="NearTieMargin">Probability within which a choice counts as near-tied.</param>
/// <param name="NearTies">Choices of all pictures and steps that were near-tied: another numerics class may draw those pictures otherwise.</param>
/// <param name="Pictures">In the order of the grid, row by row.</param>
/// <param name="Negative">The caption that guidance led away from; null: none.</param>
public sealed record DrawingRecord(
    string Model,
    bool Partial,
    IReadOnlyList<string> Notices,
    string Strategy,
    int Steps,
    double Guidance,
    string Solver,
    double Shift,
    string GuidanceRouting,
    IReadOnlyList<long> ExpertRows,
    long RouterRows,
    double NearTieMargin,
    int NearTies,
    IReadOnlyList<PictureRecord> Pictures,
    string? Negative = null)
{
    /// <summary>The record of a result.</summary>
    /// <param name="model">What drew.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="result">What came out.</param>
    /// <param name="prompts">The captions of the pictures; null: none.</param>
    /// <param name="negative">The caption that guidance led away from; null: none.</param>
    public static DrawingRecord Of(LoadedModel model, SampleRequest request, SampleResult result, IReadOnlyList<string?>? prompts = null, string? negative = null)
    {
        var manifest = model.Manifest;
        PictureRecord[] pictures = [.. request.Seeds.Select((seed, i) => PictureRecord.Of(manifest, request, result, seed, i, prompts?[i]))];
        return new DrawingRecord(
            $"{manifest.Name}/{manifest.Version}", model.Partial, model.Notices, request.Strategy.ToString(), request.Steps, request.Guidance,
            request.Solver.ToString(), request.Shift, request.GuidanceRouting.ToString(), result.Evaluations, result.RouterEvaluations,
            RoutingChoice.NearTieMargin, pictures.Sum(p => p.NearTies.Count), pictures, negative);
    }
}

/// <summary>One picture of a drawing.</summary>
/// <param name="Seed">The seed it depends on, and on nothing else.</param>
/// <param name="Class">Its class's name; null: none.</param>
/// <param name="Degraded">True when an expert was missing at a step.</param>
/// <param name="LiveMass">Probability at t = 1 of the experts that were there all along.</param>
/// <param name="Experts">The expert of the largest weight at each step, t = 1 first.</param>
/// <param name="NearTies">Steps at which the routing was near-tied, 0 the first.</param>
/// <param name="Weights">[steps][K]: the weights the experts' velocities were mixed with.</param>
/// <param name="Prompt">Its caption; null: none.</param>
public sealed record PictureRecord(
    long Seed, string? Class, bool Degraded, double LiveMass, IReadOnlyList<int> Experts, IReadOnlyList<int> NearTies, IReadOnlyList<IReadOnlyList<float>> Weights,
    string? Prompt = null)
{
    internal static PictureRecord Of(ModelManifest manifest, SampleRequest request, SampleResult result, long seed, int index, string? prompt)
    {
        var experts = manifest.Experts.Count;
        var label = request.Labels?[index] ?? -1;
        return new PictureRecord(
            seed,
            label >= 0 ? manifest.ClassNames[(int)label] : null,
            result.Degraded[index],
            result.LiveMass[index],
            [.. Enumerable.Range(0, request.Steps).Select(step => result.Choices[step, index])],
            result.NearTies(index),
            [.. Enumerable.Range(0, request.Steps).Select(step => (IReadOnlyList<float>)[.. Enumerable.Range(0, experts).Select(k => result.Weights[step, index, k])])],
            prompt);
    }
}
