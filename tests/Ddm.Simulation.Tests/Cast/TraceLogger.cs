using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Simulation.Tests;

/// <summary>What a process logs from warnings on, in the trace; and one promise that shows nowhere else: only a higher epoch fences.</summary>
internal sealed class TraceLogger<T>(SimulatedRun run, SimulatedProcess process) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        run.World.Note(process.Name, "logs", formatter(state, exception) + (exception is null ? "" : $" ({exception.Message})"));
        if (state is IReadOnlyList<KeyValuePair<string, object?>> values && Find(values, "HeadEpoch") is long && Find(values, "Epoch") is long own && Find(values, "Role") is Role role)
        {
            run.Tally.Fenced++;
            if (run.Watch.Roles.Single(watch => watch.Role == role).Epoch <= own)
            {
                run.World.Fail($"{process.Name} takes its own commit for another's: {formatter(state, exception)}");
            }
        }
    }

    private static object? Find(IReadOnlyList<KeyValuePair<string, object?>> values, string name) => values.FirstOrDefault(value => value.Key == name).Value;
}
