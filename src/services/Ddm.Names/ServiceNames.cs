namespace Ddm.Services;

/// <summary>What the parts of an installation are called, wherever it runs: resources of the app host, container apps and jobs, Kubernetes objects.</summary>
public static class ServiceNames
{
    /// <summary>The broker; a service finds its address as connection string of this name.</summary>
    public const string Messaging = "messaging";

    /// <summary>The store; a service finds its address as connection string of this name.</summary>
    public const string Blobs = "blobs";

    /// <summary>Decides what every run does next, and takes runs in.</summary>
    public const string ControlPlane = "control-plane";

    /// <summary>Images to shards, shards to features.</summary>
    public const string FeatureExtractor = "feature-extractor";

    /// <summary>Features to clusters.</summary>
    public const string Clusterer = "clusterer";

    /// <summary>Trains routers, measures and publishes.</summary>
    public const string RouterTrainer = "router-trainer";

    /// <summary>Draws pictures of published models.</summary>
    public const string InferenceGateway = "inference-gateway";

    private const string TrainerPrefix = "expert-trainer-", HostPrefix = "expert-host-";

    /// <summary>Those that there is one of, whatever pools there are.</summary>
    public static IReadOnlyList<string> Fixed { get; } = [ControlPlane, FeatureExtractor, Clusterer, RouterTrainer, InferenceGateway];

    /// <summary>The expert trainers of a pool.</summary>
    public static string ExpertTrainer(string pool) => TrainerPrefix + Ddm.Runs.PoolName.Require(pool);

    /// <summary>The host of a share of a model's experts, where experts are not in the gateway.</summary>
    /// <param name="share">Which of the shares, from 1, as <see cref="SettingNames.HostExperts"/> counts them.</param>
    public static string ExpertHost(int share) => share >= 1 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{HostPrefix}{share}")
        : throw new ArgumentOutOfRangeException(nameof(share), share, "Shares are counted from 1.");
}
