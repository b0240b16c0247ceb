using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// What is around every handler in every dress: nothing begins once the process winds down, a failure is retried a little, and one that
/// stays is written into the run as its reason to stop. Work that is not training is dropped when the process winds down: it leaves whole
/// blobs or none, and is sent again.
/// </summary>
/// <typeparam name="TCommand">The command.</typeparam>
public sealed class CommandRunner<TCommand>(
    ICommandHandler<TCommand> handler, RunRepository runs, ICommandSender sender, StopSignal stop, IRunProgress progress, ILogger<CommandRunner<TCommand>> log)
    where TCommand : class, IRunCommand
{
    private const int Attempts = 3;

    /// <summary>Runs the handler.</summary>
    public async Task RunAsync(TCommand command, CancellationToken cancellationToken)
    {
        using var windingDown = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        var token = command is TrainSlice ? cancellationToken : windingDown.Token; // a slice commits first
        for (var attempt = 1; !stop.Token.IsCancellationRequested; attempt++)
        {
            try
            {
                await handler.HandleAsync(command, token);
                if (attempt > 1)
                {
                    // The attempt that failed may have done its work and not told: a slice that committed is dropped here, and its successor is still to be sent.
                    await sender.AdvancedAsync(command.Run, cancellationToken);
                }

                return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested || stop.Token.IsCancellationRequested)
            {
                return; // the work is found undone and sent again when the run goes on
            }
            catch (UserErrorException e)
            {
                await FailAsync(command, e.Message, refused: true, cancellationToken);
                return;
            }
            catch (InvalidDataException e)
            {
                // What is on disk will not get better by itself.
                await FailAsync(command, $"{e.Message} {RunRepair.Remedy}", refused: true, cancellationToken);
                return;
            }
            catch (Exception e) when (attempt < Attempts)
            {
                log.LogWarning(e, "{Command} failed, attempt {Attempt} of {Attempts}", command, attempt, Attempts);
                progress.Notice($"{command.GetType().Name} failed ({e.Message}); trying again, attempt {attempt + 1} of {Attempts}.");
            }
            catch (Exception e)
            {
                log.LogError(e, "{Command} failed for good", command);
                await FailAsync(command, $"{command.GetType().Name} failed {Attempts} times: {e.Message}", refused: e is CheckpointException, cancellationToken);
                return;
            }
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
