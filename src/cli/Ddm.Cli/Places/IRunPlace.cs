using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Where runs are looked at and steered: a home folder on this machine, or a server. Commands do not know which.</summary>
internal interface IRunPlace : IDisposable
{
    /// <summary>How every run stands, by name.</summary>
    Task<IReadOnlyList<RunFacts>> AllAsync(CancellationToken cancellationToken);

    /// <summary>How one run stands.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">There is no such run.</exception>
    Task<RunFacts> InspectAsync(string run, CancellationToken cancellationToken);

    /// <summary>All events of a run, oldest first.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">There is no such run.</exception>
    Task<IReadOnlyList<RunEvent>> EventsAsync(string run, CancellationToken cancellationToken);

    /// <summary>Every step of every role.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">There is no such run.</exception>
    Task<IReadOnlyList<RoleCurve>> MetricsAsync(string run, CancellationToken cancellationToken);

    /// <summary>What happens in a run from now on, until it has ended: its state at once, then whatever changes.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">There is no such run.</exception>
    IAsyncEnumerable<RunSighting> WatchAsync(string run, CancellationToken cancellationToken);

    /// <summary>Does something to a run and answers how it stands then.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">There is no such run, or it cannot be done now.</exception>
    Task<RunFacts> ActAsync(RunAction action, string run, CancellationToken cancellationToken);

    /// <summary>What a person has to do besides, so that an action has its effect; null: nothing.</summary>
    string? WhatElse(RunAction action);
}
