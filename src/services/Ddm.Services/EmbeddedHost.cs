using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>All services in one process over the in-memory transport: what <c>ddm run</c> and tests start.</summary>
public sealed class EmbeddedHost : IAsyncDisposable
{
    private static readonly TimeSpan LongestCommit = TimeSpan.FromMinutes(10);
    private readonly IHost host;
    private readonly StopSignal stop;
    private readonly CompletionProgress completion;
    private readonly NoticeRecorder notices;
    private bool running = true;

    private EmbeddedHost(IHost host, StopSignal stop, CompletionProgress completion)
    {
        this.host = host;
        this.stop = stop;
        this.completion = completion;
        notices = new NoticeRecorder(Services.GetRequiredService<RunEvents>());
        completion.Noticed = notices.Note;
    }

    /// <summary>The services inside, for commands that look at runs.</summary>
    public IServiceProvider Services => host.Services;

    /// <summary>Starts the services.</summary>
    /// <param name="blobs">The store. The caller holds the run's lock: see <see cref="WorkerIdentity.Embedded"/>.</param>
    /// <param name="progress">Told what happens.</param>
    /// <param name="stop">Winds the process down.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    public static async Task<EmbeddedHost> StartAsync(IBlobStore blobs, IRunProgress progress, StopSignal stop, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded(); // before anything touches torch
        var completion = new CompletionProgress(progress);
        var worker = WorkerIdentity.Embedded(Environment.MachineName, Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddProvider(new NoticeLoggerProvider(progress));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = LongestCommit);
        builder.Services.AddEmbeddedDdm(blobs, worker, completion, stop);
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return new EmbeddedHost(host, stop, completion);
    }

    /// <summary>Submits or resumes the spec's run and waits until it ends or the stop signal is raised; work under way is committed before this returns.</summary>
    public async Task<RunDocument> RunAsync(string specText, string specFile, CancellationToken cancellationToken)
    {
        var (document, _) = await Services.GetRequiredService<RunSubmission>().SubmitAsync(specText, specFile, cancellationToken);
        notices.Begin(document.Name);
        await Services.GetRequiredService<ICommandSender>().AdvancedAsync(document.Name, cancellationToken);
        await using (stop.Token.Register(completion.Abandon))
        {
            await completion.Finished.WaitAsync(cancellationToken);
        }

        await StopAsync();

        // What was told is what holds, also where a full disk kept it from being written.
        return completion.Ending ?? await Services.GetRequiredService<RunRepository>().GetAsync(document.Name, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
    }

    // Waits for the handlers under way: a slice commits and returns.
    private async Task StopAsync()
    {
        if (running)
        {
            running = false;
            stop.Raise();
            await host.StopAsync(CancellationToken.None);
            await notices.DisposeAsync();
        }
    }

    private sealed class CompletionProgress(IRunProgress inner) : IRunProgress
    {
        private readonly TaskCompletionSource finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Finished => finished.Task;

        public RunDocument? Ending { get; private set; }

        public void Abandon() => finished.TrySetResult();

        public void Stage(RunStage stage, int done, int total) => inner.Stage(stage, done, total);

        public void Ingest(long done, long total) => inner.Ingest(done, total);

        public void Encoding(EncodingProgress progress) => inner.Encoding(progress);

        public void Training(TrainingProgress progress) => inner.Training(progress);

        public Action<string>? Noticed { get; set; }

        public void Notice(string message)
        {
            inner.Notice(message);
            Noticed?.Invoke(message);
        }

        public void Ended(RunDocument document)
        {
            Ending = document;
            inner.Ended(document);
            finished.TrySetResult();
        }
    }
}
