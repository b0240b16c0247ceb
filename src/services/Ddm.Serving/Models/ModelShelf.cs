using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>
/// The models that are served, each in its current version. A new version is loaded beside the old one and put in its place whole; a version that cannot be loaded leaves the old one where it is.
/// </summary>
internal sealed class ModelShelf(IBlobStore blobs, ModelCatalog catalog, ModelLoader loader, DeviceThread device, ExpertFleet fleet, ServingSettings settings, TimeProvider time, ILogger<ModelShelf> log)
{
    private const string CurrentSuffix = "/current.json";
    private static readonly TimeSpan TryAgain = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, ServedModel> models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Sha256, long At, string Reason)> refused = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim gate = new(1, 1);

    /// <summary>Every model by name.</summary>
    public IReadOnlyList<ServedModel> Models => [.. models.Values.OrderBy(model => model.Manifest.Name, StringComparer.Ordinal)];

    /// <summary>Why a model is not served in its current version, by name; empty: all are.</summary>
    public IReadOnlyDictionary<string, string> Refused
    {
        get
        {
            lock (refused)
            {
                return refused.ToDictionary(pair => pair.Key, pair => pair.Value.Reason);
            }
        }
    }

    /// <summary>Holds the current version of a model; null when there is none of that name.</summary>
    public ModelLease? Lease(string name)
    {
        // A version that was let go of between the two lines has a successor.
        while (models.TryGetValue(name, out var model))
        {
            if (model.TryLease() is { } lease)
            {
                return lease;
            }
        }

        return null;
    }

    /// <summary>Brings every model to its current version.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            var names = settings.Models.Count > 0 ? settings.Models : await PublishedAsync(cancellationToken);
            foreach (var name in names)
            {
                await RefreshAsync(name, cancellationToken);
            }

            foreach (var gone in models.Keys.Except(names))
            {
                Remove(gone);
            }
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Lets go of all of them.</summary>
    public void Clear()
    {
        foreach (var name in models.Keys)
        {
            Remove(name);
        }
    }

    private async Task RefreshAsync(string name, CancellationToken cancellationToken)
    {
        CurrentModel? current = null;
        try
        {
            current = await catalog.FindCurrentAsync(name, cancellationToken);
            var sha256 = current?.ManifestSha256 ?? "";
            if ((models.TryGetValue(name, out var held) && (held.Sha256 == sha256 || current is null)) || IsRefused(name, sha256))
            {
                return; // of a run that is not published, what was loaded first is served until it is
            }

            var manifest = current is null ? await catalog.FindAsync(name, cancellationToken) : await catalog.OpenAsync(name, current, cancellationToken);
            if (models.ContainsKey(name) && fleet.Unheld(manifest) is { Count: > 0 } unheld)
            {
                // At the next look perhaps: hosts load a version as a gateway does.
                Refuse(name, "", $"{name}/{manifest.Version}: no expert host holds experts {string.Join(", ", unheld)} of it yet. The version before it stays.");
                return;
            }

            var how = new ModelLoading { Memory = new ExpertMemory(settings.ExpertBytes, settings.ExpertWeights), LiveMassFloor = settings.LiveMassFloor, Elsewhere = fleet.Place };
            var loaded = await loader.OpenAsync(manifest, how, cancellationToken);
            Put(name, await device.RunAsync(() => new ServedModel(loaded, sha256, device)));
            log.LogInformation("Serving {Model}/{Version} ({Sha256})", name, manifest.Version, sha256);
        }
        catch (Exception e) when (e is CheckpointException or InvalidDataException or UserErrorException)
        {
            Refuse(name, current?.ManifestSha256 ?? "", e.Message);
            log.LogError("{Model} {Version} cannot be served: {Reason} {Remains}", name, current?.Version, e.Message, models.ContainsKey(name) ? "The version before it stays." : "");
        }
    }

    private void Put(string name, ServedModel model)
    {
        lock (refused)
        {
            refused.Remove(name);
        }

        models.TryGetValue(name, out var old);
        models[name] = model;
        old?.Release(); // orders that began with it hold it until they end
    }

    private void Remove(string name)
    {
        if (models.TryRemove(name, out var model))
        {
            model.Release();
        }
    }

    private bool IsRefused(string name, string sha256)
    {
        lock (refused)
        {
            return refused.TryGetValue(name, out var last) && last.Sha256 == sha256 && time.GetElapsedTime(last.At) < TryAgain;
        }
    }

    private void Refuse(string name, string sha256, string reason)
    {
        lock (refused)
        {
            refused[name] = (sha256, time.GetTimestamp(), reason);
        }
    }

    private async Task<IReadOnlyList<string>> PublishedAsync(CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (var blob in blobs.ListAsync(BlobNames.Models, cancellationToken))
        {
            if (blob.Name.EndsWith(CurrentSuffix, StringComparison.Ordinal))
            {
                names.Add(blob.Name[BlobNames.Models.Length..^CurrentSuffix.Length]);
            }
        }

        return names;
    }
}
