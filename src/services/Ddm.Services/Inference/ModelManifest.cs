using System.Text.Json.Serialization;
using Ddm.Diffusion;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What is published: everything that drawing pictures needs, and where the weights come from.</summary>
public sealed record ModelManifest
{
    /// <summary>The newest schema this code reads: that of imported models, whose roles have networks of their own.</summary>
    public const int CurrentSchema = 2;

    /// <summary>Version of this document's shape; a run's model is written as 1, so that older programs read it.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The model's id: its run's name, or what it was imported as.</summary>
    public required string Name { get; init; }

    /// <summary>Version under the name.</summary>
    public required string Version { get; init; }

    /// <summary>When it was published; of an unfinished run: when it was looked at.</summary>
    public required DateTimeOffset PublishedAt { get; init; }

    /// <summary>Side of the pictures, pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>1 (grey) or 3 (RGB).</summary>
    public required int Channels { get; init; }

    /// <summary>The space that networks draw in; null: pixels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PublishedLatent? Latent { get; init; }

    /// <summary>What networks see of captions; null: nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PublishedText? Text { get; init; }

    /// <summary>Names of the classes in the order of their labels.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>What t in [0, 1] is multiplied by before it is embedded; null where every role has its own network.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TimeScale { get; init; }

    /// <summary>The experts' network, its preset resolved; null where every role has its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NetworkSpec? Expert { get; init; }

    /// <summary>The router's network, its preset resolved; null where every role has its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NetworkSpec? RouterNetwork { get; init; }

    /// <summary>How pictures are drawn unless a request says otherwise.</summary>
    public required SamplingSpec Sampling { get; init; }

    /// <summary>Default routing strategy.</summary>
    public string Routing { get; init; } = "ancestral";

    /// <summary>Why that one: the measurement, or that there is none yet.</summary>
    public string RoutingReason { get; init; } = "exact with exact parts at one expert's cost; not yet measured on this model";

    /// <summary>Training rows of each cluster and class, [K][classes]; without classes one number a cluster. Empty: nobody knows what the experts were trained on.</summary>
    public required IReadOnlyList<IReadOnlyList<long>> ClusterRows { get; init; }

    /// <summary>SHA-256 over the frozen cluster manifests: which data the experts saw; null of an imported model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DataManifestSha256 { get; init; }

    /// <summary>The seed checkpoint that the experts started from; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RunSeed? Init { get; init; }

    /// <summary>The experts in order; of an unfinished run some may have no weights.</summary>
    public required IReadOnlyList<PublishedRole> Experts { get; init; }

    /// <summary>The router; of a single imported expert without weights.</summary>
    public required PublishedRole Router { get; init; }

    /// <summary>Every blob that drawing needs, with its hash.</summary>
    public IEnumerable<(string Name, string Sha256)> Blobs()
    {
        foreach (var role in Experts.Append(Router))
        {
            if (role is { Weights: { } weights, Sha256: { } sha256 })
            {
                yield return (weights, sha256);
            }
        }

        if (Latent is not null)
        {
            yield return (Latent.Weights, Latent.Sha256);
        }

        if (Text is not null)
        {
            yield return (Text.Weights, Text.Sha256);
        }
    }
}

/// <summary>The autoencoder of a model that draws latents.</summary>
/// <param name="Channels">Channels of a latent.</param>
/// <param name="Size">Its side.</param>
/// <param name="Weights">Blob of the autoencoder, with the scale of its latents.</param>
/// <param name="Sha256">Its hash.</param>
public sealed record PublishedLatent(int Channels, int Size, string Weights, string Sha256);

/// <summary>The encoder of captions of a model.</summary>
/// <param name="Shape">What networks see of a caption.</param>
/// <param name="Weights">Blob of the encoder: a vocabulary, or a frozen encoder's weights.</param>
/// <param name="Sha256">Its hash.</param>
public sealed record PublishedText(TextShape Shape, string Weights, string Sha256);

/// <summary>One role of a model.</summary>
/// <param name="Role">experts/K or router.</param>
/// <param name="Step">Steps its weights have seen.</param>
/// <param name="TargetSteps">Steps asked for.</param>
/// <param name="Weights">Blob of the EMA weights; null: none are committed.</param>
/// <param name="Sha256">Their hash.</param>
public sealed record PublishedRole(string Role, long Step, long TargetSteps, string? Weights, string? Sha256)
{
    /// <summary>Its own network, of imported models; null: the manifest's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RoleNetwork? Network { get; init; }
}

/// <summary>The network of one imported role.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Parametrization">What an expert's output means; null: it is a router.</param>
public sealed record RoleNetwork(DiTConfig Shape, Parametrization? Parametrization);

/// <summary>Which version of a model is current.</summary>
/// <param name="Version">The version.</param>
/// <param name="ManifestSha256">SHA-256 of its manifest.</param>
public sealed record CurrentModel(string Version, string ManifestSha256);
