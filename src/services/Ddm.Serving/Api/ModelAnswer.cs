using Ddm.Runs;

namespace Ddm.Serving;

/// <summary>What <c>GET /v1/models</c> answers.</summary>
/// <param name="Data">The models.</param>
internal sealed record ModelList(IReadOnlyList<ModelAnswer> Data)
{
    /// <summary>Always list.</summary>
    public string Object { get; } = "list";
}

/// <summary>A model: OpenAI's fields, then what a client may ask it for.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Created">When this version was published, Unix seconds.</param>
/// <param name="Version">Which.</param>
/// <param name="Sha256">The version's hash.</param>
/// <param name="Size">WxH of its pictures.</param>
/// <param name="Experts">K.</param>
/// <param name="Condition">What a picture is asked for by: caption, class or none.</param>
/// <param name="Classes">Their names, in the order of their labels.</param>
/// <param name="Defaults">What is taken where a request says nothing.</param>
/// <param name="Notices">What is missing of it.</param>
internal sealed record ModelAnswer(
    string Id, long Created, string Version, string Sha256, string Size, int Experts, string Condition, IReadOnlyList<string> Classes, ModelDefaults Defaults, IReadOnlyList<string> Notices)
{
    /// <summary>Always model.</summary>
    public string Object { get; } = "model";

    /// <summary>Always ddm.</summary>
    public string OwnedBy { get; } = "ddm";

    /// <summary>The answer for a model.</summary>
    public static ModelAnswer Of(ServedModel model)
    {
        var (manifest, ensemble) = (model.Manifest, model.Loaded.Ensemble);
        return new ModelAnswer(
            manifest.Name, manifest.PublishedAt.ToUnixTimeSeconds(), manifest.Version, model.Sha256, FormattableString.Invariant($"{manifest.ImageSize}x{manifest.ImageSize}"), manifest.Experts.Count,
            model.Loaded.Captions is not null ? "caption" : ensemble.NullLabel is not null ? "class" : "none",
            manifest.ClassNames,
            new ModelDefaults(
                manifest.Routing, manifest.Sampling.Steps, ensemble.Conditional ? manifest.Sampling.Guidance : 1, manifest.Sampling.Solver == Solver.Heun ? "heun" : "euler", manifest.Sampling.Shift),
            model.Loaded.Notices);
    }
}

/// <summary>Part of <see cref="ModelAnswer"/>: what a request that says nothing gets.</summary>
/// <param name="Strategy">How experts are chosen.</param>
/// <param name="NumInferenceSteps">Solver steps.</param>
/// <param name="GuidanceScale">Scale of guidance; 1: none.</param>
/// <param name="Solver">euler or heun.</param>
/// <param name="Shift">Of the times of steps.</param>
internal sealed record ModelDefaults(string Strategy, int NumInferenceSteps, double GuidanceScale, string Solver, double Shift);
