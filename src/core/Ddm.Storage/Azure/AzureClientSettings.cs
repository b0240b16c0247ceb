using Azure.Core;
using Azure.Storage.Blobs;

namespace Ddm.Storage;

/// <summary>How requests are made: tries, waits and deadlines.</summary>
internal static class AzureClientSettings
{
    /// <summary>Tries after the first. Their waits (0.5 s, doubling, or what <c>Retry-After</c> asks) outlast a restart of the service, not an outage.</summary>
    private const int Retries = 6;

    private static readonly TimeSpan s_firstWait = TimeSpan.FromSeconds(0.5), s_longestWait = TimeSpan.FromSeconds(20), s_try = TimeSpan.FromSeconds(100);

    /// <summary>What one request may take with all its tries: a block of 4 MiB over a line of 0.5 Mbit/s.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromMinutes(3);

    /// <summary>Options for a container's client.</summary>
    public static BlobClientOptions Create()
    {
        var options = new BlobClientOptions
        {
            Retry = { MaxRetries = Retries, Mode = RetryMode.Exponential, Delay = s_firstWait, MaxDelay = s_longestWait, NetworkTimeout = s_try },
            Diagnostics = { IsTelemetryEnabled = false },
        };
        options.AddPolicy(new UnknownOutcomes.Policy(), HttpPipelinePosition.PerRetry);
        return options;
    }
}
