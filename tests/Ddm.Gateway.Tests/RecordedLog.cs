using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Ddm.Gateway.Tests;

/// <summary>What was logged.</summary>
internal sealed class RecordedLog : ILoggerProvider
{
    private readonly ConcurrentQueue<string> lines = new();

    /// <summary>Set: only lines of errors are kept from now on.</summary>
    public bool OnlyErrors { get; set; }

    public IReadOnlyList<string> Lines => [.. lines];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, this);

    public void Dispose()
    {
    }

    private void Keep(string line)
    {
        if (!OnlyErrors || line.Contains("Exception", StringComparison.Ordinal))
        {
            lines.Enqueue(line);
        }
    }

    private sealed class Logger(string category, RecordedLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Keep($"{category}: {formatter(state, exception)} {exception}");
    }
}
