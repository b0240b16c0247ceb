using System.Buffers.Binary;
using Ddm.Cli;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Bench;

/// <summary>A RabbitMQ and an Azurite of this benchmark's own, a run in them that has come as far as training, and an expert trainer as its service is put together.</summary>
internal sealed class LocalServices : IAsyncDisposable
{
    public const string Run = "bench";
    private const int Pictures = 2000, Side = 28;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(0.25), StorePatience = TimeSpan.FromSeconds(20);

    private readonly string folder = Directory.CreateTempSubdirectory("ddm-bench-").FullName;
    private readonly List<LocalProcess> processes = [];
    private readonly LocalRabbit rabbit;
    private readonly LocalAzurite azurite;

    private LocalServices()
    {
        var ports = UpPorts.Choose(Path.Combine(folder, "ports.json"));
        rabbit = new LocalRabbit(Path.Combine(folder, "rabbitmq"), ports);
        azurite = new LocalAzurite(Path.Combine(folder, "azurite"), ports);
        Blobs = BlobStores.Open(azurite.ConnectionString);
    }

    /// <summary>What Azurite keeps.</summary>
    public IBlobStore Blobs { get; }

    /// <summary>Starts both, and brings the run to its training.</summary>
    public static async Task<LocalServices> StartAsync(string spec, CancellationToken cancellationToken)
    {
        var services = new LocalServices();
        try
        {
            services.processes.Add(services.azurite.Start(Path.Combine(services.folder, "azurite.log")));
            services.processes.Add(services.rabbit.Start(Path.Combine(services.folder, "rabbitmq.log")));
            services.processes.ForEach(process => process.Go());
            while (!await services.azurite.AnswersAsync(cancellationToken) || !await services.rabbit.AnswersAsync(cancellationToken))
            {
                if (services.processes.Find(process => process.ExitCode is not null) is { } ended)
                {
                    throw new IOException($"{ended.Name} ended with exit code {ended.ExitCode}: {ended.Tail()}");
                }

                await Task.Delay(LookEvery, cancellationToken);
            }

            await services.PrepareAsync(spec, cancellationToken);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    /// <summary>An expert trainer in this process, not started yet.</summary>
    public IHost Trainer(StopSignal stop)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole();
        builder.Services.AddSingleton<IRunProgress, Silent>();
        var worker = WorkerIdentity.Service("bench", Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        builder.Services.AddDdm(Blobs, worker, stop, new WorkerSettings()).AddExpertTraining(PoolName.Local)
            .OverRabbitMq(BrokerAddress.Parse(rabbit.ConnectionString), new BrokerSettings(null));
        return builder.Build();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            await process.StopAsync(StorePatience);
            await process.DisposeAsync();
        }

        await rabbit.EndNamesAsync(Path.Combine(folder, "rabbitmq.log"));
        Directory.Delete(folder, recursive: true);
    }

    private async Task PrepareAsync(string spec, CancellationToken cancellationToken)
    {
        var pictures = Path.Combine(folder, "pictures");
        Directory.CreateDirectory(pictures);
        var (images, labels) = (new byte[16 + (Pictures * Side * Side)], new byte[8 + Pictures]);
        new Random(1).NextBytes(images);
        WriteHeader(images, 0x0803, Pictures, Side, Side);
        WriteHeader(labels, 0x0801, Pictures);
        await File.WriteAllBytesAsync(Path.Combine(pictures, "images-idx3-ubyte"), images, cancellationToken);
        await File.WriteAllBytesAsync(Path.Combine(pictures, "labels-idx1-ubyte"), labels, cancellationToken);
        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(Blobs, new StopAtTraining(stop), stop, cancellationToken);
        await host.RunAsync(spec, Path.Combine(folder, "bench.yaml"), cancellationToken);
    }

    private static void WriteHeader(byte[] file, params int[] numbers)
    {
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 * i), numbers[i]);
        }
    }

    private class Silent : IRunProgress
    {
        public void Stage(RunStage stage, int done, int total)
        {
        }

        public virtual void Training(TrainingProgress progress)
        {
        }

        public void Notice(string message) => Console.Error.WriteLine($"   {message}");

        public void Ended(RunDocument document)
        {
        }
    }

    private sealed class StopAtTraining(StopSignal stop) : Silent
    {
        public override void Training(TrainingProgress progress) => stop.Raise();
    }
}
