namespace Ddm.Services;

/// <summary>
/// Settings that an installation gives its services, as configuration spells them. <see cref="Variable"/> is how an environment spells them. A test holds
/// that the services read each.
/// </summary>
public static class SettingNames
{
    /// <summary>The broker's address.</summary>
    public const string Messaging = "ConnectionStrings:" + ServiceNames.Messaging;

    /// <summary>The store's address.</summary>
    public const string Blobs = "ConnectionStrings:" + ServiceNames.Blobs;

    /// <summary>The pool whose slices an expert trainer takes.</summary>
    public const string Pool = "Ddm:Pool";

    /// <summary>What people call the worker.</summary>
    public const string Worker = "Ddm:Worker";

    /// <summary>Folders that submitted specs may name files in.</summary>
    public const string SourceRoots = "Ddm:SourceRoots";

    /// <summary>Keys of the control plane, of a gateway, of an expert host: each of its own.</summary>
    public const string ApiKeys = "Ddm:ApiKeys";

    /// <summary>The broker's management API.</summary>
    public const string BrokerManagement = "Ddm:BrokerManagement";

    /// <summary>How long the broker lets a message be worked on.</summary>
    public const string AcknowledgementTimeout = "Ddm:AcknowledgementTimeout";

    /// <summary>Time between SIGTERM and the end.</summary>
    public const string StopNotice = "Ddm:StopNotice";

    /// <summary>Where a worker keeps states between commits.</summary>
    public const string LocalFolder = "Ddm:LocalFolder";

    /// <summary>How long the platform lets the process live.</summary>
    public const string ReplicaTimeout = "Ddm:ReplicaTimeout";

    /// <summary>How long a process without work waits before it ends.</summary>
    public const string ExitWhenIdle = "Ddm:ExitWhenIdle";

    /// <summary>The port on which Prometheus reads the metrics.</summary>
    public const string MetricsPort = "Ddm:MetricsPort";

    /// <summary>Where the control plane's pages are, for links of the gateway's.</summary>
    public const string RunsPages = "Ddm:Pages:Runs";

    /// <summary>Where the gateway's pages are, for links of the control plane's.</summary>
    public const string PlaygroundPages = "Ddm:Pages:Playground";

    /// <summary>What links to pictures begin with, behind a proxy.</summary>
    public const string GatewayUrl = "Ddm:Gateway:PublicUrl";

    /// <summary>Addresses of expert hosts; none: every expert is in the gateway.</summary>
    public const string HostAddresses = "Ddm:ExpertHosts:Addresses";

    /// <summary>The key of a gateway at its expert hosts.</summary>
    public const string HostsKey = "Ddm:ExpertHosts:Key";

    /// <summary>Allows addresses of expert hosts without TLS, where the network is encrypted or closed by itself.</summary>
    public const string HostsPlain = "Ddm:ExpertHosts:Plain";

    /// <summary>The published model of an expert host.</summary>
    public const string HostModel = "Ddm:ExpertHost:Model";

    /// <summary>Which of the model's experts it holds: <c>2/4</c> is the second of four hosts' share.</summary>
    public const string HostExperts = "Ddm:ExpertHost:Experts";

    /// <summary>Where an expert host answers gateways.</summary>
    public const string HostListen = "Ddm:ExpertHost:Listen";

    /// <summary>As <see cref="HostsPlain"/>, of the host.</summary>
    public const string HostPlain = "Ddm:ExpertHost:Plain";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Messaging, Blobs, Pool, Worker, SourceRoots, ApiKeys, BrokerManagement, AcknowledgementTimeout, StopNotice, LocalFolder, ReplicaTimeout, ExitWhenIdle, MetricsPort,
        RunsPages, PlaygroundPages, GatewayUrl, HostAddresses, HostsKey, HostsPlain, HostModel, HostExperts, HostListen, HostPlain,
    ];

    /// <summary>A setting as an environment variable.</summary>
    /// <param name="setting">One of these names.</param>
    /// <param name="entry">Which entry of a list, from 0; null: the setting itself.</param>
    public static string Variable(string setting, int? entry = null)
        => setting.Replace(":", "__", StringComparison.Ordinal) + (entry is { } at ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"__{at}") : "");
}
