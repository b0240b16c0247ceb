using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>Holds the promises of a role's training against the store itself, after every change.</summary>
internal sealed class RoleWatch(World world, SimulatedStore store, HashChain chain, string run, Role role, int keepLast, Tally tally)
{
    private readonly string headName = BlobNames.Head(run, role);
    private readonly string ownerName = BlobNames.Owner(run, role);
    private readonly string checkpoints = BlobNames.Checkpoints(run, role);
    private readonly List<(string Folder, string Sha256, long Step)> line = []; // from the oldest to what the head names
    private readonly HashSet<string> damaged = new(StringComparer.Ordinal);
    private readonly HashSet<string> damagedManifests = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (string Worker, long Attempt)> owners = [];
    private RoleHead? head;

    public Role Role => role;

    public long Step => head?.Step ?? 0;

    /// <summary>Its step before any checkpoint was found damaged.</summary>
    public long HighestStep { get; private set; }

    public long Epoch => head?.Epoch ?? 0;

    /// <summary>The newest checkpoint, if the one it was trained from is whole and there too: damage to it loses nothing for good.</summary>
    public string? FindExpendable() =>
        line.Count > 1 && !damaged.Contains(line[^1].Folder) && !damaged.Contains(line[^2].Folder) && store.Read(line[^2].Folder + ChainTrainer.Weights) is not null ? line[^1].Folder : null;

    /// <summary>A checkpoint is damaged from now on, in its manifest or in its tensors.</summary>
    public void Damaged(string folder, bool manifest)
    {
        damaged.Add(folder);
        if (manifest)
        {
            damagedManifests.Add(folder);
        }
    }

    public void On(StoreChange change)
    {
        if (change.Name == headName)
        {
            OnHead(change);
        }
        else if (change.Name == ownerName)
        {
            OnOwner(change);
        }
        else if (change.Name.StartsWith(checkpoints, StringComparison.Ordinal))
        {
            OnCheckpoint(change);
        }
    }

    private void OnHead(StoreChange change)
    {
        if (change.After is null)
        {
            Fail(change, "the head is deleted");
            return;
        }

        var (before, now) = (head, BlobJson.Parse<RoleHead>(change.Name, change.After.Bytes));
        head = now;
        if (now.Epoch < (before?.Epoch ?? 0))
        {
            Fail(change, $"the epoch goes back from {before!.Epoch} to {now.Epoch}");
        }

        if (now.Checkpoint == before?.Checkpoint)
        {
            if (now.Step != (before?.Step ?? 0))
            {
                Fail(change, $"the step goes from {before?.Step} to {now.Step} without a checkpoint");
            }

            return;
        }

        if (line.FindIndex(link => link.Folder == now.Checkpoint) is var at and >= 0)
        {
            GoBack(change, at);
            return;
        }

        if (now.Epoch != before?.Epoch && !IsMended)
        {
            Fail(change, $"a commit of epoch {now.Epoch} where the head's is {before?.Epoch}");
        }

        if (now.Checkpoint is null || ReadManifest(change, now) is not { } manifest)
        {
            Fail(change, $"the head names {now.Checkpoint}, which has no manifest of its hash");
            return;
        }

        CheckManifest(change, now, manifest);
        CheckParts(change, manifest, now.Checkpoint);
        Extend(change, manifest, now);
    }

    // A head that named a damaged checkpoint may be made to name any that is whole, also one that a fenced worker left and no head ever named.
    private bool IsMended => line.Count > 0 && damaged.Contains(line[^1].Folder);

    private CheckpointManifest? ReadManifest(StoreChange change, RoleHead now)
    {
        var content = store.Read(now.Checkpoint + "manifest.json");
        return content is null || Convert.ToHexStringLower(SHA256.HashData(content.Bytes)) != now.ManifestSha256
            ? null : BlobJson.Parse<CheckpointManifest>(change.Name, content.Bytes);
    }

    private void CheckManifest(StoreChange change, RoleHead now, CheckpointManifest manifest)
    {
        if (manifest.Step != now.Step || (manifest.Epoch != now.Epoch && !(IsMended && manifest.Epoch < now.Epoch)) || manifest.Parent != now.Parent || manifest.ParentManifestSha256 != now.ParentManifestSha256)
        {
            Fail(change, $"head and manifest differ: step {now.Step} and {manifest.Step}, epoch {now.Epoch} and {manifest.Epoch}");
        }

        if (manifest.Role != role.Path || manifest.Run != run || manifest.DataManifestSha256 != chain.DataOf(role))
        {
            Fail(change, $"{now.Checkpoint} is of {manifest.Role} in {manifest.Run}");
        }
    }

    private void CheckParts(StoreChange change, CheckpointManifest manifest, string folder)
    {
        foreach (var part in manifest.Parts)
        {
            var bytes = store.Read(folder + part.Name)?.Bytes;
            if (bytes is null || bytes.Length != part.Length || Convert.ToHexStringLower(SHA256.HashData(bytes)) != part.Sha256)
            {
                Fail(change, $"{folder}{part.Name} is {(bytes is null ? "missing" : "not what its manifest says")}");
                return;
            }

            var state = chain.At(role, manifest.Step);
            var expected = part.Name switch { ChainTrainer.Weights => state, ChainTrainer.Average => HashChain.Average(state), _ => bytes };
            if (!bytes.AsSpan().SequenceEqual(expected))
            {
                Fail(change, $"{folder}{part.Name} is not the state that an undisturbed training has at step {manifest.Step}");
            }
        }
    }

    /// <summary>A head that is mended names an earlier link, past damaged ones only.</summary>
    private void GoBack(StoreChange change, int at)
    {
        if (line.Skip(at + 1).FirstOrDefault(link => !damaged.Contains(link.Folder)) is { Folder: { } whole })
        {
            Fail(change, $"the head goes back to {line[at].Folder}, past {whole}, committed and whole");
        }

        line.RemoveRange(at + 1, line.Count - at - 1);
    }

    /// <summary>What was committed stays an ancestor of all that comes, but for what was found damaged.</summary>
    private void Extend(StoreChange change, CheckpointManifest manifest, RoleHead now)
    {
        while (line.Count > 0 && line[^1].Folder != manifest.Parent)
        {
            if (!damaged.Contains(line[^1].Folder))
            {
                Fail(change, $"{line[^1].Folder}, committed and whole, is lost: {now.Checkpoint} comes from {manifest.Parent ?? "nothing"}");
                return;
            }

            tally.FellBack++;
            line.RemoveAt(line.Count - 1);
        }

        var parent = line.Count == 0 ? (Folder: null, Sha256: null, Step: 0) : ((string? Folder, string? Sha256, long Step))line[^1];
        if (manifest.Parent != parent.Folder || manifest.ParentManifestSha256 != parent.Sha256 || manifest.FromStep != parent.Step || now.Step < parent.Step)
        {
            Fail(change, $"{now.Checkpoint} goes from step {manifest.FromStep} of {manifest.Parent} to {now.Step}; the chain stands at {parent.Step} of {parent.Folder}");
        }

        HighestStep = Math.Max(HighestStep, now.Step);
        line.Add((now.Checkpoint!, now.ManifestSha256!, now.Step));
    }

    private void OnOwner(StoreChange change)
    {
        if (change.After is null)
        {
            Fail(change, "the owner record is deleted");
            return;
        }

        var now = BlobJson.Parse<RoleOwner>(change.Name, change.After.Bytes);
        var before = change.Before is null ? null : BlobJson.Parse<RoleOwner>(change.Name, change.Before.Bytes);
        if (now.Worker.Length > 0 && !owners.TryAdd(now.Epoch, (now.Worker, now.Attempt)) && owners[now.Epoch] != (now.Worker, now.Attempt))
        {
            Fail(change, $"epoch {now.Epoch} belongs to {owners[now.Epoch].Worker} and to {now.Worker}");
        }

        if (before is null)
        {
            return;
        }

        if (now.Epoch < before.Epoch || (now.Epoch == before.Epoch && before.Worker.Length == 0 && now.Worker.Length > 0))
        {
            Fail(change, $"ownership goes back from epoch {before.Epoch} of '{before.Worker}' to {now.Epoch} of '{now.Worker}'");
        }

        if (now.Epoch == before.Epoch || before.Worker.Length == 0 || before.Worker == now.Worker || head is { GivenBack: true } given && given.Epoch == before.Epoch)
        {
            return; // renewed, given back in one of two ways, or its own
        }

        tally.TakeOvers++;
        if (now.Worker.Length == 0)
        {
            return; // by a control plane, which may
        }

        var age = store.Now - change.Before!.LastModified;
        if (age < RunObserver.OwnerTimeout)
        {
            Fail(change, $"{now.Worker} takes the role from {before.Worker}, which told {age.TotalSeconds} s ago that it lives");
        }
    }

    private void OnCheckpoint(StoreChange change)
    {
        if (change is { Before: { } before, After: { } after } && !before.Bytes.AsSpan().SequenceEqual(after.Bytes))
        {
            Fail(change, "a part of a checkpoint is overwritten");
        }

        if (change.After is null)
        {
            OnDeleted(change);
        }
    }

    private void OnDeleted(StoreChange change)
    {
        var at = line.FindIndex(link => change.Name.StartsWith(link.Folder, StringComparison.Ordinal));
        if (at < 0)
        {
            return;
        }

        if (at >= line.Count - keepLast)
        {
            Fail(change, $"one of the newest {keepLast} checkpoints loses a part");
        }
        else if (!change.Name.EndsWith(".safetensors", StringComparison.Ordinal) && !line.Skip(at + 1).Any(link => damagedManifests.Contains(link.Folder)))
        {
            Fail(change, "history is deleted"); // behind a damaged manifest there is none that could be believed
        }
    }

    private void Fail(StoreChange change, string what) => world.Fail($"{change.By} writes {change.Name}: {what}");
}
