using System.Text.Json.Serialization;
using Ddm.Data;
using Ddm.Services;

namespace Ddm.Serving;

/// <summary>What <c>POST /v1/images/generations</c> answers: OpenAI's fields, then how the pictures were drawn.</summary>
/// <param name="Created">Unix seconds.</param>
/// <param name="Data">The pictures.</param>
/// <param name="Background">Always opaque.</param>
/// <param name="OutputFormat">png, jpeg or webp.</param>
/// <param name="Size">WxH.</param>
/// <param name="Quality">Always auto.</param>
/// <param name="Usage">Tokens: none are counted here.</param>
/// <param name="Model">What drew.</param>
/// <param name="ModelVersion">Its version.</param>
/// <param name="ModelSha256">The version's hash: all pictures are of this one.</param>
/// <param name="Strategy">How experts were chosen.</param>
/// <param name="Steps">Solver steps.</param>
/// <param name="GuidanceScale">Scale of guidance; 1: none.</param>
/// <param name="Degraded">True when an expert was missing.</param>
/// <param name="ServedBy">The process that drew.</param>
/// <param name="Hosts">By expert, the expert hosts that answered for it; empty: the experts were in the process that drew.</param>
internal sealed record ImagesAnswer(
    long Created, IReadOnlyList<ImageData> Data, string Background, string OutputFormat, string Size, string Quality, ImageUsage Usage,
    string Model, string ModelVersion, string ModelSha256, string Strategy, int Steps, double GuidanceScale, bool Degraded, string? ServedBy,
    IReadOnlyDictionary<int, IReadOnlyList<string>> Hosts)
{
    /// <summary>The answer of pictures that were drawn.</summary>
    public static ImagesAnswer Of(ServedModel model, DrawnOrder drawn, PictureEncoding format, DateTimeOffset now, IReadOnlyList<ImageData> data, string servedBy) => new(
        now.ToUnixTimeSeconds(), data, "opaque", format.Extension(), FormattableString.Invariant($"{drawn.Size}x{drawn.Size}"), "auto", new ImageUsage(),
        model.Manifest.Name, model.Manifest.Version, model.Sha256, drawn.Record.Strategy, drawn.Record.Steps, drawn.Record.Guidance, drawn.Record.Pictures.Any(p => p.Degraded), servedBy, drawn.Hosts);
}

/// <summary>One picture of an answer.</summary>
/// <param name="Seed">What it was drawn from: the same seed and settings draw it again.</param>
/// <param name="LiveMass">Probability at t = 1 of the experts that were there.</param>
/// <param name="Experts">The expert of the largest weight at each step.</param>
/// <param name="Weights">[steps][K]: the weights that velocities were mixed with.</param>
internal sealed record ImageData(long Seed, double LiveMass, IReadOnlyList<int> Experts, IReadOnlyList<IReadOnlyList<float>> Weights)
{
    /// <summary>The file in base64; null: there is a link.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? B64Json { get; init; }

    /// <summary>A link to the file; null: it is here.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Url { get; init; }

    /// <summary>A picture without its file.</summary>
    public static ImageData Of(PictureRecord record) => new(record.Seed, record.LiveMass, record.Experts, record.Weights);
}

/// <summary>Tokens, which OpenAI's clients expect: nothing is counted in tokens here.</summary>
internal sealed record ImageUsage
{
    public int TotalTokens { get; init; }

    public int InputTokens { get; init; }

    public int OutputTokens { get; init; }

    public ImageTokenDetails InputTokensDetails { get; init; } = new();
}

/// <summary>Part of <see cref="ImageUsage"/>.</summary>
internal sealed record ImageTokenDetails
{
    public int TextTokens { get; init; }

    public int ImageTokens { get; init; }
}
