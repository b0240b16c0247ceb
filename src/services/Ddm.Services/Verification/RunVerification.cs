using System.Security.Cryptography;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Training;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace Ddm.Services;

/// <summary>
/// Checks a run's receipts: the hash chains of all roles from head to first checkpoint, then the work itself, by making randomly drawn slices again and comparing bit
/// for bit. Reads only; beside a training run too.
/// </summary>
public sealed class RunVerification(IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, SliceReplay replay, DeviceThread device)
{
    private const string Swept = "the tensors that they started from were swept (execution.retention)", Unsound = "what they are, or what they started from, is not sound";

    /// <summary>A verification that needs nothing but a store and a device thread.</summary>
    public static RunVerification For(IBlobStore blobs, DeviceThread device)
    {
        var runs = new RunRepository(blobs);
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        var trainers = new TorchRoleTrainers(blobs, new RunDataset(blobs, runs), new RunSeeds(blobs, device), device, TimeProvider.System, NullLogger<TorchRoleTrainers>.Instance);
        return new RunVerification(blobs, checkpoints, runs, new SliceReplay(blobs, trainers, TimeProvider.System), device);
    }

    /// <summary>Verifies a run.</summary>
    /// <param name="run">Its name.</param>
    /// <param name="slices">How many slices to make again; 0: none, -1: all that can be.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="progress">Hears of it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<VerificationReport> VerifyAsync(string run, int slices, long seed, IVerificationProgress progress, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        var roles = new List<RoleVerification>();
        var newest = new Dictionary<string, CheckpointManifest>(StringComparer.Ordinal);
        var candidates = new List<Candidate>();
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var decision in document.Roles)
        {
            var role = Role.Parse(decision.Role);
            var (walked, links) = await WalkAsync(document, decision, role, cancellationToken);
            roles.Add(walked);
            progress.Walked(walked);
            if (links.Count > 0 && links[0].Manifest is { } manifest)
            {
                newest.Add(role.Path, manifest);
            }

            candidates.AddRange(await CandidatesAsync(document, role, links, reasons));
        }

        var drawn = Draw(candidates, slices, seed);
        progress.Drawn(drawn.Count, candidates.Count, seed);
        var replayed = new List<SliceVerification>();
        foreach (var slice in drawn)
        {
            var made = await ReplayAsync(document, slice, progress, cancellationToken);
            replayed.Add(made);
            progress.Replayed(made);
        }

        var model = await FindModelFaultsAsync(document, newest, cancellationToken);
        return new VerificationReport(run, seed, roles, replayed, candidates.Count, [.. reasons.Select(reason => new NotReplayable(reason.Key, reason.Value))], model);
    }

    private async Task<(RoleVerification Role, IReadOnlyList<VerifiedCheckpoint> Links)> WalkAsync(
        RunDocument document, RoleDecision decision, Role role, CancellationToken cancellationToken)
    {
        IReadOnlyList<VerifiedCheckpoint> links = [];
        var (faults, step) = (new List<string>(), 0L);
        try
        {
            var head = await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken);
            step = head?.Step ?? 0;
            if (head?.Checkpoint is not null)
            {
                var clusters = role.Kind == RoleKind.Expert ? [role.Index] : Enumerable.Range(0, document.Spec.Partition.Experts).ToArray();
                var data = await ClusterDataset.OpenAsync(blobs, document.Name, clusters, heldOut: false, cancellationToken);
                links = await checkpoints.VerifyAsync(document.Name, role, data.ManifestSha256, document.Numerics[role.Path], cancellationToken);
                step = links.Count > 0 ? links[0].Manifest?.Step ?? step : step; // it may have trained on since
                faults.AddRange(links.SelectMany(link => link.Faults));
            }
        }
        catch (Exception e) when (e is CheckpointException or InvalidDataException)
        {
            faults.Add(e.Message);
        }

        if (document.Status == RunStatus.Succeeded && step != decision.TargetSteps)
        {
            faults.Add($"{BlobNames.Head(document.Name, role)} is at step {step}, though the run has ended with {decision.TargetSteps} steps");
        }

        return (new RoleVerification(role.Path, step, links.Count(link => link.Manifest is not null), links.Count(link => link.Opened is not null), faults), links);
    }

    private async Task<IReadOnlyList<Candidate>> CandidatesAsync(
        RunDocument document, Role role, IReadOnlyList<VerifiedCheckpoint> links, SortedDictionary<string, int> reasons)
    {
        var candidates = new List<Candidate>();
        var elsewhere = links.Count == 0 ? null : await device.RunAsync(() => WhyNotHere(document.Numerics[role.Path]));
        for (var i = links.Count - 1; i >= 0; i--)
        {
            if (links[i].Manifest is not { } manifest || manifest.Step == manifest.FromStep)
            {
                continue; // no slice, or none of any step
            }

            var parent = i + 1 < links.Count ? links[i + 1] : null;
            var reason = elsewhere
                ?? (links[i].Faults.Count > 0 || parent?.Faults.Count > 0 || (parent is null && manifest.Parent is not null) ? Unsound
                : parent is { Opened: null } ? Swept
                : null);
            if (reason is null)
            {
                candidates.Add(new Candidate(role, links[i], parent?.Opened));
            }
            else
            {
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }
        }

        return candidates;
    }

    private static string? WhyNotHere(NumericsClass numerics)
    {
        var cuda = numerics.Device.StartsWith("cuda", StringComparison.Ordinal);
        return !numerics.Deterministic ? $"their numerics class promises the same distribution, not the same bits: [{numerics}]"
            : (cuda && !torch.cuda.is_available()) || !Numerics.CanEnter(numerics, cuda ? torch.CUDA : torch.CPU) ? $"they are of a numerics class that this machine cannot compute in: [{numerics}]"
            : null;
    }

    // A permutation of all, of which the first are taken: the same seed and more slices are the same ones and more.
    private static List<Candidate> Draw(List<Candidate> candidates, int slices, long seed)
    {
        if (candidates.Count == 0 || slices == 0)
        {
            return [];
        }

        var order = new FeistelPermutation(candidates.Count, Philox.Create(seed, 0, RandomStreams.Verification));
        var count = slices < 0 ? candidates.Count : Math.Min(slices, candidates.Count);
        return [.. Enumerable.Range(0, count).Select(i => candidates[(int)order[i]])];
    }

    private async Task<SliceVerification> ReplayAsync(RunDocument document, Candidate slice, IVerificationProgress progress, CancellationToken cancellationToken)
    {
        var manifest = slice.Checkpoint.Manifest!;
        var told = new SliceVerification(slice.Role.Path, manifest.FromStep, manifest.Step, []);
        try
        {
            return told with { Faults = await replay.RunAsync(document, slice.Role, slice.Checkpoint, slice.Parent, step => progress.Stepped(told, step), cancellationToken) };
        }
        catch (NumericsMismatchException e)
        {
            return told with { NotRun = e.Message };
        }
        catch (Exception e) when (e is CheckpointException or InvalidDataException)
        {
            var swept = slice.Parent is { } parent && !await blobs.ExistsAsync(parent.Folder + TrainingState.WeightsPart, cancellationToken);
            return swept ? told with { NotRun = e.Message } : told with { Faults = [e.Message] }; // else its data or its start is not what it should be
        }
    }

    private async Task<IReadOnlyList<string>> FindModelFaultsAsync(
        RunDocument document, Dictionary<string, CheckpointManifest> newest, CancellationToken cancellationToken)
    {
        if (document is not { Status: RunStatus.Succeeded, ModelVersion: { } version })
        {
            return [];
        }

        var name = BlobNames.ModelManifest(document.Name, version);
        if (await blobs.ReadJsonAsync<ModelManifest>(name, cancellationToken) is not var (model, _))
        {
            return []; // removed: ddm rm --model
        }

        var published = model.Experts.Append(model.Router).ToLookup(role => role.Role, StringComparer.Ordinal);
        var faults = new List<string>();
        foreach (var decision in document.Roles)
        {
            faults.AddRange(published[decision.Role].Count() == 1 ? [] : [$"{name} has {decision.Role} {published[decision.Role].Count()} times, and the run has it once"]);
        }

        faults.AddRange(published.Where(role => document.Roles.All(decision => decision.Role != role.Key)).Select(role => $"{name} has {role.Key}, which the run has not"));
        faults.AddRange(
            from role in published.SelectMany(roles => roles)
            where newest.TryGetValue(role.Role, out var committed) && role.Sha256 != AverageOf(committed)
            select $"{name} has weights of {role.Role} with sha256 {role.Sha256 ?? "(none)"}; its last checkpoint has {AverageOf(newest[role.Role])}");
        foreach (var (weights, sha256) in model.Blobs().Distinct())
        {
            if (await HashAsync(weights, cancellationToken) is var found && found != sha256)
            {
                faults.Add($"{name} says {weights} with sha256 {sha256}; {(found is null ? "it is missing" : $"it has {found}")}");
            }
        }

        return faults;

        static string? AverageOf(CheckpointManifest manifest) => manifest.Parts.FirstOrDefault(part => part.Name == TrainingState.AveragePart)?.Sha256;
    }

    private async Task<string?> HashAsync(string name, CancellationToken cancellationToken)
    {
        await using var stream = await blobs.OpenReadAsync(name, cancellationToken);
        return stream is null ? null : Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
    }

    private sealed record Candidate(Role Role, VerifiedCheckpoint Checkpoint, OpenedCheckpoint? Parent);
}
