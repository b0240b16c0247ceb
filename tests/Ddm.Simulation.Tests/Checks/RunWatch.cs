using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>Holds a run's promises against the store and the broker: its decisions go forward, it does not fail, and no slice is sent for a step that is not committed.</summary>
internal sealed class RunWatch
{
    private readonly World world;
    private readonly string documentName, folder;
    private readonly Dictionary<string, RoleWatch> roles;
    private readonly string? poisoned;

    public RunWatch(World world, SimulatedStore store, SimulatedBus bus, RunDocument document, HashChain chain, Tally tally, Role? poisoned)
    {
        this.world = world;
        this.poisoned = poisoned?.Path;
        Document = document;
        documentName = BlobNames.RunDocument(document.Name);
        folder = documentName[..(documentName.LastIndexOf('/') + 1)];
        roles = Enumerable.Range(0, document.Spec.Partition.Experts).Select(Role.Expert).Append(Role.Router).ToDictionary(
            role => role.Path, role => new RoleWatch(world, store, chain, document.Name, role, document.Spec.Execution.Retention.KeepLast, tally));
        store.Changed += On;
        bus.Sent += OnSent;
    }

    public RunDocument Document { get; private set; }

    public IEnumerable<RoleWatch> Roles => roles.Values;

    /// <summary>What must hold once the run has succeeded: every role has exactly its steps, and no more was computed than what the faults may have cost.</summary>
    public void CheckEnd(Tally tally, FaultPlan faults, long mostStepsBetweenCommits)
    {
        foreach (var role in roles.Values.Where(role => role.Step != Target(role.Role)))
        {
            throw new ViolationException($"the run succeeds with {role.Role} at step {role.Step} of {Target(role.Role)}");
        }

        tally.Wasted = tally.Steps - roles.Values.Sum(role => Target(role.Role));
        if (tally.Wasted < 0 || (faults.SparesTraining && tally.Wasted > 0) || (!faults.StopsCommits && tally.Wasted > tally.Faults * mostStepsBetweenCommits))
        {
            throw new ViolationException($"{tally.Wasted} steps were wasted by {tally.Faults} faults; between two commits are {mostStepsBetweenCommits} at most");
        }
    }

    private long Target(Role role) => role.Kind == RoleKind.Router ? Document.Spec.Router.Training.Steps : Document.Spec.Experts.Steps;

    private void On(StoreChange change)
    {
        if (change.Name == documentName)
        {
            OnDocument(change);
        }

        if (Find(change.Name) is not { } role)
        {
            return;
        }

        role.On(change);
        if (change.After is not null && change.Name == BlobNames.RoleFailure(Document.Name, role.Role))
        {
            OnFailure(change, role);
        }
    }

    // The role that a blob is of; null: none.
    private RoleWatch? Find(string name)
    {
        var rest = name.StartsWith(folder, StringComparison.Ordinal) ? name[folder.Length..] : "";
        var end = rest.IndexOf('/', StringComparison.Ordinal);
        end = end > 0 && rest[..end] == "experts" ? rest.IndexOf('/', end + 1) : end;
        return end > 0 && roles.TryGetValue(rest[..end], out var role) ? role : null;
    }

    // No fault here is beyond mending, so that no role may give up. What a worker says that does not own the role any more does not count.
    private void OnFailure(StoreChange change, RoleWatch role)
    {
        var failure = BlobJson.Parse<RoleFailure>(change.Name, change.After!.Bytes);
        if (failure.Epoch >= role.Epoch && role.Role.Path != poisoned)
        {
            world.Fail($"{change.By}: {role.Role} gives up: {failure.Reason}");
        }
    }

    private void OnDocument(StoreChange change)
    {
        if (change.After is null)
        {
            world.Fail($"{change.By} deletes {change.Name}");
            return;
        }

        var now = BlobJson.Parse<RunDocument>(change.Name, change.After.Bytes);
        if ((now.Stage < Document.Stage && !IsSentBack(now)) || (Document.Status == RunStatus.Succeeded && now.Status != RunStatus.Succeeded))
        {
            world.Fail($"{change.By}: the run goes back from {Document.Stage}, {Document.Status} to {now.Stage}, {now.Status}");
        }

        if ((now.Status == RunStatus.Failed && poisoned is null) || now.Refused)
        {
            world.Fail($"{change.By}: the run fails: {now.Failure}");
        }

        foreach (var role in now.Roles.Where(role => role.Status == RoleStatus.Complete && !IsComplete(Document, role.Role) && roles[role.Role].Step < role.TargetSteps))
        {
            world.Fail($"{change.By}: {role.Role} is called complete at step {roles[role.Role].Step} of {role.TargetSteps}");
        }

        Document = now;
    }

    // Forwards only, but for roles that were done and whose last checkpoint was found damaged.
    private bool IsSentBack(RunDocument now) => now.Stage == RunStage.Train && Document.Stage is RunStage.Evaluate or RunStage.Publish
        && now.Roles.Where(role => role.Status == RoleStatus.Training).ToList() is { Count: > 0 } again && again.TrueForAll(role => roles[role.Role].Step < roles[role.Role].HighestStep);

    private static bool IsComplete(RunDocument document, string role) => document.Roles.Any(decision => decision.Role == role && decision.Status == RoleStatus.Complete);

    private void OnSent(SimulatedProcess by, object message)
    {
        if (message is TrainSlice slice && slice.FromStep > roles[slice.RolePath].HighestStep)
        {
            world.Fail($"{by.Name} sends {slice} when the role stands at step {roles[slice.RolePath].Step}");
        }
    }
}
