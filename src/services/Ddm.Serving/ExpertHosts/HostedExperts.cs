using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>
/// The experts that a host holds: of the model's current version, and for a while of the one before, of which pictures may still be on their way. A version that cannot be
/// loaded leaves the one before it.
/// </summary>
internal sealed class HostedExperts(ModelCatalog catalog, ModelLoader loader, DeviceThread device, ExpertHostSettings settings, TimeProvider time, ILogger<HostedExperts> log)
    : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan TryAgain = TimeSpan.FromSeconds(30);

    private readonly List<HostedVersion> versions = []; // the newest last
    private readonly TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (string Sha256, long At, string Reason)? refused;

    /// <summary>Hashes of the weights that it answers for.</summary>
    public IReadOnlyList<string> Held
    {
        get
        {
            lock (versions)
            {
                return [.. versions.SelectMany(version => version.Held.Keys).Distinct()];
            }
        }
    }

    /// <summary>Done after the first look at which version is current.</summary>
    public Task Looked => looked.Task;

    /// <summary>What it holds of the model's newest version, in words; null: nothing.</summary>
    public string? Holding
    {
        get
        {
            lock (versions)
            {
                return versions.LastOrDefault() is { } version ? Words(version) : null;
            }
        }
    }

    /// <summary>Why the model's current version is not held; null: it is, or there is none.</summary>
    public string? Refused
    {
        get
        {
            lock (versions)
            {
                return refused?.Reason;
            }
        }
    }

    /// <summary>Holds an expert by the hash of its weights; null: it is not here.</summary>
    public HostedExpert? Hold(string sha256)
    {
        lock (versions)
        {
            if (versions.FindLast(version => version.Held.ContainsKey(sha256)) is not { } version)
            {
                return null;
            }

            version.Holders++;
            version.LastAsked = time.GetTimestamp();
            var index = version.Held[sha256];
            return new HostedExpert(version.Experts.Models[index]!, version.Experts.Shape(index), () => Release(version));
        }
    }

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        lock (versions)
        {
            return Task.FromResult(
                versions.Count > 0 ? HealthCheckResult.Healthy(refused?.Reason)
                : HealthCheckResult.Unhealthy(refused?.Reason ?? "The experts are being loaded, or no version of the model is published yet."));
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.PollEvery, time);
        try
        {
            do
            {
                try
                {
                    await RefreshAsync(stoppingToken);
                    looked.TrySetResult();
                    Retire();
                }
                catch (Exception e) when (Faults.MayPass(e) && !stoppingToken.IsCancellationRequested)
                {
                    log.LogWarning("The store does not answer; the experts stay as they are: {Reason}", e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the process stops
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        CurrentModel? current = null;
        try
        {
            current = await catalog.FindCurrentAsync(settings.Model, cancellationToken);
            if (current is null || IsKnown(current.ManifestSha256))
            {
                return;
            }

            var manifest = await catalog.OpenAsync(settings.Model, current, cancellationToken);
            settings.Experts.Require(manifest);
            var (experts, _) = await loader.OpenExpertsAsync(manifest, settings.Experts.Names, new ExpertMemory(settings.ExpertBytes, settings.ExpertWeights), cancellationToken);
            var version = new HostedVersion(experts, current.ManifestSha256, time.GetTimestamp());
            lock (versions)
            {
                versions.Add(version);
                refused = null;
            }

            log.LogInformation("Holding {Experts}", Words(version));
        }
        catch (Exception e) when (e is CheckpointException or InvalidDataException or UserErrorException)
        {
            lock (versions)
            {
                refused = (current?.ManifestSha256 ?? "", time.GetTimestamp(), e.Message);
            }

            log.LogError("{Model} {Version} cannot be held: {Reason}", settings.Model, current?.Version, e.Message);
        }
    }

    private static string Words(HostedVersion version)
        => $"experts {string.Join(", ", version.Held.Values.Order())} of {version.Experts.Manifest.Name}/{version.Experts.Manifest.Version}";

    private bool IsKnown(string sha256)
    {
        lock (versions)
        {
            return (versions.Count > 0 && versions[^1].Sha256 == sha256) || (refused is { } last && last.Sha256 == sha256 && time.GetElapsedTime(last.At) < TryAgain);
        }
    }

    private void Release(HostedVersion version)
    {
        lock (versions)
        {
            version.Holders--;
            version.LastAsked = time.GetTimestamp();
        }
    }

    private void Retire()
    {
        HostedVersion[] gone;
        lock (versions)
        {
            gone = [.. versions.SkipLast(1).Where(version => version.Holders == 0 && time.GetElapsedTime(version.LastAsked) >= settings.KeepPrevious)];
            versions.RemoveAll(gone.Contains);
        }

        foreach (var version in gone)
        {
            _ = device.RunAsync(version.Experts.Dispose);
        }
    }
}
