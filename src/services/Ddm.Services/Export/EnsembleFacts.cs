using System.Text.Json;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What an export says of a model as a whole, under <c>ddm</c> in its index: what neither tensors nor the networks' configs can say.</summary>
internal sealed record EnsembleFacts
{
    /// <summary>Where the index has them.</summary>
    public const string Key = "ddm";

    private const int CurrentFormat = 1;
    private const int MostSteps = 10_000;

    private static readonly JsonSerializerOptions Options = new(BlobJson.Options) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Version of these facts.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>What was exported: name/version.</summary>
    public required string Model { get; init; }

    /// <summary>As of <see cref="ModelManifest.ClassNames"/>.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>As of <see cref="ModelManifest.ClusterRows"/>.</summary>
    public required IReadOnlyList<IReadOnlyList<long>> ClusterRows { get; init; }

    /// <summary>As of <see cref="ModelManifest.Sampling"/>.</summary>
    public required SamplingSpec Sampling { get; init; }

    /// <summary>As of <see cref="ModelManifest.Routing"/>.</summary>
    public required string Routing { get; init; }

    /// <summary>As of <see cref="ModelManifest.RoutingReason"/>.</summary>
    public required string RoutingReason { get; init; }

    /// <summary>As of <see cref="ModelManifest.DataManifestSha256"/>.</summary>
    public string? DataManifestSha256 { get; init; }

    /// <summary>Places of a caption; null: no captions.</summary>
    public int? TextTokens { get; init; }

    /// <summary>How far the roles were trained.</summary>
    public required IReadOnlyList<RoleSteps> Roles { get; init; }

    /// <summary>The facts of a model.</summary>
    public static EnsembleFacts Of(ModelManifest manifest) => new()
    {
        Model = $"{manifest.Name}/{manifest.Version}",
        ClassNames = manifest.ClassNames,
        ClusterRows = manifest.ClusterRows,
        Sampling = manifest.Sampling,
        Routing = manifest.Routing,
        RoutingReason = manifest.RoutingReason,
        DataManifestSha256 = manifest.DataManifestSha256,
        TextTokens = manifest.Text?.Shape.Tokens,
        Roles = [.. manifest.Experts.Append(manifest.Router).Select(role => new RoleSteps(role.Role, role.Step, role.TargetSteps))],
    };

    /// <summary>Whether a file is the index of an export.</summary>
    public static bool Holds(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(Key, out var facts) && facts.ValueKind == JsonValueKind.Object;
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads the facts of an index; null: it has none.</summary>
    /// <exception cref="UserErrorException">They cannot be read, or are of a newer program.</exception>
    public static EnsembleFacts? Read(string index)
    {
        if (!Holds(index))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            var facts = json.RootElement.GetProperty(Key).Deserialize<EnsembleFacts>(Options)!;
            return facts.Format <= CurrentFormat ? facts
                : throw new UserErrorException($"{index}: '{Key}' has format {facts.Format}; this program reads up to {CurrentFormat}. Upgrade it.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{index}: '{Key}' is not what an export writes: {error.Message} Export the model again, or take '{Key}' out.", error);
        }
    }

    /// <summary>As JSON.</summary>
    public JsonElement ToJson() => JsonSerializer.SerializeToElement(this, Options);

    /// <summary>Refuses facts that do not fit the networks.</summary>
    /// <param name="folder">Whose facts they are, for messages.</param>
    /// <param name="experts">K.</param>
    /// <param name="classes">Classes of the networks; 0: they see none.</param>
    /// <exception cref="UserErrorException">They do not; the message says what.</exception>
    public void Require(string folder, int experts, int classes)
    {
        if (classes > 0 && ClassNames.Count != classes)
        {
            throw Error(folder, $"class_names has {ClassNames.Count} names; the networks have {classes} classes");
        }

        var width = Math.Max(1, classes);
        if (ClusterRows.Count > 0 && (ClusterRows.Count != experts || ClusterRows.Any(rows => rows.Count < width || rows.Any(count => count < 0))))
        {
            throw Error(folder, $"cluster_rows must have {experts} lists of at least {width} counts, or none");
        }

        if (Sampling.Steps is < 1 or > MostSteps || !double.IsFinite(Sampling.Guidance) || !(Sampling.Shift > 0) || !double.IsFinite(Sampling.Shift))
        {
            throw Error(folder, $"sampling must have 1 to {MostSteps} steps, a guidance, and a shift above 0");
        }

        _ = RoutingStrategy.Parse(Routing);
    }

    /// <summary>A model of the exported networks, as it was exported.</summary>
    public ModelManifest Apply(ModelManifest manifest) => manifest with
    {
        ClassNames = ClassNames,
        ClusterRows = ClusterRows,
        Sampling = Sampling,
        Routing = Routing,
        RoutingReason = RoutingReason,
        DataManifestSha256 = DataManifestSha256,
        Experts = [.. manifest.Experts.Select(Trained)],
        Router = Trained(manifest.Router),
    };

    private PublishedRole Trained(PublishedRole role) => Roles.FirstOrDefault(steps => steps.Role == role.Role) is { } known
        ? role with { Step = known.Steps, TargetSteps = known.TargetSteps } : role;

    private static UserErrorException Error(string folder, string what) => new($"{folder}: '{Key}' of its index: {what}. Export the model again, or take '{Key}' out.");
}

/// <summary>How far a role was trained.</summary>
/// <param name="Role">experts/K or router.</param>
/// <param name="Steps">Steps its weights have seen.</param>
/// <param name="TargetSteps">Steps asked for.</param>
internal sealed record RoleSteps(string Role, long Steps, long TargetSteps);
