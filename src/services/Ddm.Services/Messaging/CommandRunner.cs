using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// What is around every handler in every dress: nothing begins once the process winds down, a failure that may pass is tried again, and one that
/// stays is written into the run as its reason to stop. Work that is not training is dropped when the process winds down: it leaves whole
/// blobs or none, and is sent again.
/// </summary>
/// <typeparam name="TCommand">The command.</typeparam>
public sealed class CommandRunner<TCommand>(
    ICommandHandler<TCommand> handler,
    RunRepository runs,
    ICommandSender sender,
    SliceGate gate,
    CommandPatience patience,
    StopSignal stop,
    IRunProgress progress,
    TimeProvider time,
    ILogger<CommandRunner<TCommand>> log)
    where TCommand : class, IRunCommand
{
    private const int Attempts = 3;

    /// <summary>Runs the handler.</summary>
    /// <param name="command">What to do.</param>
    /// <param name="cancellationToken">Drops the work. Not a connection's: the work outlives it.</param>
    public async Task RunAsync(TCommand command, CancellationToken cancellationToken)
    {
        if (stop.IsDraining)
        {
            // Held until this process no longer listens: it would be handed the message again and again.
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await sender.ReturnAsync(command, CancellationToken.None);
            return;
        }

        await gate.RunAsync(command, () => WorkAsync(command, cancellationToken));
    }

    private async Task WorkAsync(TCommand command, CancellationToken cancellationToken)
    {
        if (await FindReasonToDropAsync(command, cancellationToken) is { } reason)
        {
            log.LogWarning("{Command} is dropped: {Reason}", Printable.Text($"{command}"), reason);
            return;
        }

        using var scope = RunScope.Enter(command.Run);
        using var activity = DdmTelemetry.Begin(command);
        try
        {
            await TryAsync(command, cancellationToken);
        }
        finally
        {
            activity.Finish(runs.LastSeen(command.Run));
        }
    }

    // What this process saw of the run may be old: only a fresh look drops a command. A slice looks for itself.
    private async Task<string?> FindReasonToDropAsync(TCommand command, CancellationToken cancellationToken)
    {
        if (CommandCheck.FindFault(command) is { } fault)
        {
            return fault;
        }

        if (command is TrainSlice || (runs.LastSeen(command.Run) is { } seen && CommandCheck.FindMismatch(command, seen) is null))
        {
            return null;
        }

        try
        {
            return await runs.FindAsync(command.Run, cancellationToken) is { Value: var document } ? CommandCheck.FindMismatch(command, document) : null;
        }
        catch (Exception e) when (Faults.MayPass(e) || Faults.IsFinal(e))
        {
            return null; // the handler meets the same, and what is done about it is below
        }
    }

    private async Task TryAsync(TCommand command, CancellationToken cancellationToken)
    {
        using var windingDown = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        var token = command is TrainSlice ? cancellationToken : windingDown.Token; // a slice commits first
        var (began, failures, outages) = (time.GetTimestamp(), 0, 0);
        while (!stop.Token.IsCancellationRequested)
        {
            try
            {
                await handler.HandleAsync(command, token);
                if (failures + outages > 0)
                {
                    // The attempt that failed may have done its work and not told: a slice that committed is dropped here, and its successor is still to be sent.
                    await (command is TrainSlice slice
                        ? sender.AdvancedAsync(command.Run, slice.RolePath, cancellationToken)
                        : sender.AdvancedAsync(command.Run, cancellationToken));
                }

                return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested || stop.Token.IsCancellationRequested)
            {
                break;
            }
            catch (InvalidDataException e)
            {
                // What is on disk will not get better by itself.
                await FailAsync(command, RunRepair.WithRemedy(e.Message), refused: true, cancellationToken);
                return;
            }
            catch (Exception e) when (e is UserErrorException && !(patience.Endless && Faults.MayPass(e)))
            {
                await FailAsync(command, e.Message, refused: true, cancellationToken);
                return;
            }
            catch (Exception e) when (patience.Endless && Faults.MayPass(e))
            {
                outages++;
                Tell(command, e, $"trying again, for as long as it takes (failure {outages})");
                if (patience.IsOver(time.GetElapsedTime(began)) || !await PauseAsync(outages))
                {
                    break;
                }
            }
            catch (Exception e) when (++failures < Attempts)
            {
                Tell(command, e, $"trying again, attempt {failures + 1} of {Attempts}");
            }
            catch (Exception e) when (patience.Endless && command is TrainSlice && e is not CheckpointException)
            {
                // This worker cannot; another may. Whether the role is at fault is for its head to count.
                log.LogError(e, "{Command} failed here", command);
                progress.Notice($"{command.GetType().Name} failed {Attempts} times here ({e.Message}); it is left to another worker.");
                return;
            }
            catch (Exception e)
            {
                log.LogError(e, "{Command} failed for good", command);
                await FailAsync(command, $"{command.GetType().Name} failed {Attempts} times: {e.Message}", refused: e is CheckpointException, cancellationToken);
                return;
            }
        }

        await sender.ReturnAsync(command, CancellationToken.None);
    }

    private void Tell(TCommand command, Exception error, string next)
    {
        log.LogWarning(error, "{Command} failed; {Next}", command, next);
        progress.Notice($"{command.GetType().Name} failed ({error.Message}); {next}.");
    }

    private async Task<bool> PauseAsync(int outages)
    {
        try
        {
            await Task.Delay(patience.DelayAfter(outages), time, stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task FailAsync(TCommand command, string reason, bool refused, CancellationToken cancellationToken)
    {
        if (await runs.FailAsync(command.Run, reason, refused, cancellationToken) is { } unwritten)
        {
            progress.Ended(unwritten);
            return;
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }
}
