using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Ddm.Cli;

/// <summary>What commands that answer on a port until Ctrl+C have in common.</summary>
internal static class ServerProcess
{
    /// <summary>Where it answers.</summary>
    /// <param name="usual">The port where nobody says.</param>
    /// <param name="whom">Whom it answers, with a space before it; or nothing.</param>
    public static Option<int> Port(int usual, string whom = "")
        => new("--port") { Description = $"Where it answers{whom}; 0: any free port", HelpName = "N", DefaultValueFactory = _ => usual };

    /// <summary>A port as it is given.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static int RequirePort(int number) => number is >= 0 and <= 65535 ? number : throw new UserErrorException($"--port {number}: give a port from 0 to 65535.");

    /// <summary>Starts a server, and keeps it until a signal ends it.</summary>
    /// <typeparam name="T">The server.</typeparam>
    /// <param name="stopping">Said at the first signal.</param>
    /// <param name="start">Starts it.</param>
    /// <param name="tell">Says what there is and where, or why there is nothing to serve.</param>
    /// <param name="cancellationToken">Ends it too.</param>
    /// <returns>Success: a signal is how it ends.</returns>
    /// <exception cref="UserErrorException">The port is taken, or what <paramref name="start"/> and <paramref name="tell"/> say is wrong.</exception>
    public static async Task<int> RunAsync<T>(string stopping, Func<CancellationToken, Task<T>> start, Action<T> tell, CancellationToken cancellationToken)
        where T : IAsyncDisposable
    {
        using var stop = new StopSignal();
        using var signals = new StopOnSignals(stop, stopping);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        try
        {
            await using var server = await start(ending.Token);
            tell(server);
            await Task.Delay(Timeout.Infinite, ending.Token);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new UserErrorException($"{e.Message} Another program listens there; choose a port with --port.", e);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Ctrl+C is how it ends
        }

        return CommandHost.Success;
    }

    /// <summary>Logs on the terminal, apart from what is printed.</summary>
    public static void Log(ILoggingBuilder logging) => logging
        .SetMinimumLevel(LogLevel.Warning)
        .AddFilter("Ddm", LogLevel.Information)
        .AddSimpleConsole(console => console.SingleLine = true)
        .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
}
