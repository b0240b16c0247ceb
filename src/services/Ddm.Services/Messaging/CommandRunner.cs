using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// What is around every handler in every dress: nothing begins once the process winds down, a failure is retried a little, and one that
/// stays is written into the run as its reason to stop.
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
        for (var attempt = 1; !stop.Token.IsCancellationRequested; attempt++)
        {
            try
            {
                await handler.HandleAsync(command, cancellationToken);
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
            catch (Exception e) when (attempt < Attempts)
            {
                log.LogWarning(e, "{Command} failed, attempt {Attempt} of {Attempts}", command, attempt, Attempts);
                progress.Notice($"{command.GetType().Name} failed ({e.Message}); trying again, attempt {attempt + 1} of {Attempts}.");
            }
            catch (Exception e)
            {
                log.LogError(e, "{Command} failed for good", command);
                await FailAsync(command, $"{command.GetType().Name} failed {Attempts} times: {e.Message}", refused: false, cancellationToken);
                return;
            }
        }
    }

    private async Task FailAsync(TCommand command, string reason, bool refused, CancellationToken cancellationToken)
    {
        await runs.UpdateAsync(command.Run, document => document with { Status = RunStatus.Failed, Failure = reason, Refused = refused }, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);
    }
}
