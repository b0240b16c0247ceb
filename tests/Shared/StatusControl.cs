using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Tests;

/// <summary>Run control as far as a run's document goes: who works on a role is not told.</summary>
internal sealed class StatusControl(RunRepository runs) : IRunControl
{
    public Task<RunDocument> CancelAsync(string run, CancellationToken cancellationToken) => ChangeAsync(run, RunStatus.Cancelled, cancellationToken, RunStatus.Running, RunStatus.Paused);

    public Task<RunDocument> PauseAsync(string run, CancellationToken cancellationToken) => ChangeAsync(run, RunStatus.Paused, cancellationToken, RunStatus.Running);

    public Task<RunDocument> ResumeAsync(string run, CancellationToken cancellationToken) => ChangeAsync(run, RunStatus.Running, cancellationToken, RunStatus.Paused);

    public Task<RunDocument> RetryAsync(string run, CancellationToken cancellationToken) => ChangeAsync(run, RunStatus.Running, cancellationToken, RunStatus.Failed);

    public Task<RunDocument> MoveAsync(string run, Role role, string pool, CancellationToken cancellationToken) => throw new UserErrorException($"{role} to {pool}");

    public Task<RunDocument> RedriveAsync(string run, Role role, CancellationToken cancellationToken) => throw new UserErrorException($"{role} again");

    private Task<RunDocument> ChangeAsync(string run, RunStatus to, CancellationToken cancellationToken, params RunStatus[] from)
        => runs.UpdateAsync(run, d => from.Contains(d.Status) ? d with { Status = to } : throw new UserErrorException($"run '{run}' is {d.Status}"), cancellationToken);
}
