using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Stands where a process has no way to steer runs: says so.</summary>
internal sealed class NoRunControl : IRunControl
{
    /// <inheritdoc/>
    public Task<RunDocument> CancelAsync(string run, CancellationToken cancellationToken) => throw Refused();

    /// <inheritdoc/>
    public Task<RunDocument> PauseAsync(string run, CancellationToken cancellationToken) => throw Refused();

    /// <inheritdoc/>
    public Task<RunDocument> ResumeAsync(string run, CancellationToken cancellationToken) => throw Refused();

    /// <inheritdoc/>
    public Task<RunDocument> RetryAsync(string run, CancellationToken cancellationToken) => throw Refused();

    /// <inheritdoc/>
    public Task<RunDocument> MoveAsync(string run, Role role, string pool, CancellationToken cancellationToken) => throw Refused();

    /// <inheritdoc/>
    public Task<RunDocument> RedriveAsync(string run, Role role, CancellationToken cancellationToken) => throw Refused();

    private static UserErrorException Refused() => new("This control plane cannot steer runs.");
}
