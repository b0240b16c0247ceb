using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Shows warnings and errors of every component where the run shows its notices, so that none is lost beside a live table.</summary>
internal sealed class NoticeLoggerProvider(IRunProgress progress) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new NoticeLogger(progress, categoryName);

    public void Dispose()
    {
    }

    private sealed class NoticeLogger(IRunProgress progress, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var cause = exception is null ? "" : $": {exception.GetBaseException().Message}";
                progress.Notice($"{category[(category.LastIndexOf('.') + 1)..]}: {formatter(state, exception)}{cause}");
            }
        }
    }
}
