using System.CommandLine;
using System.Runtime.InteropServices;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary><c>ddm up</c>: services, broker and blob service as programs of this machine, until Ctrl+C.</summary>
internal static class UpCommand
{
    private const string Azurite = "azurite";
    private const int UsualPort = 5080;
    private const int MostPort = 65000; // the services' ports follow

    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Port of the control plane; the other services take the ones after it", HelpName = "N", DefaultValueFactory = _ => UsualPort };
        var trainers = new Option<int?>("--trainers") { Description = "Expert trainers to start, in the pool local [default: 1]", HelpName = "N" };
        var pools = new Option<string[]>("--pool") { Description = "A pool and how many expert trainers to start in it; several times, instead of --trainers", HelpName = "NAME[:N]" };
        var blobs = new Option<string>("--blobs") { Description = "Who keeps the blobs: azurite, or folder (files in the home)", HelpName = "KIND", DefaultValueFactory = _ => Azurite };
        blobs.AcceptOnlyFromAmong(Azurite, "folder");
        var roots = new Option<string[]>("--root") { Description = "Folder that submitted runs may read; several times [default: the current folder]", HelpName = "DIR" };
        var command = new Command("up", "Start services, RabbitMQ and Azurite on this machine, without containers. Examples: ddm up --trainers 2; ddm up --pool a100:2 --pool t4") { port, trainers, pools, blobs, roots };
        command.SetAction((parsed, cancellationToken) =>
        {
            var first = parsed.GetValue(port);
            if (first is < 1 or > MostPort)
            {
                throw new UserErrorException($"--port {first}: a port is from 1 to {MostPort}.");
            }

            var home = CommonOptions.HomeOf(parsed);
            var open = parsed.GetValue(roots) is { Length: > 0 } named ? named : [Directory.GetCurrentDirectory()];
            var keys = ApiKeyFile.DefaultPath ?? Path.Combine(home, "up", "api-key");
            return RunAsync(new UpOptions(home, first, PoolsOf(parsed.GetValue(trainers), parsed.GetValue(pools) ?? []), parsed.GetValue(blobs) == Azurite, [.. open.Select(Path.GetFullPath)], keys), cancellationToken);
        });
        return command;
    }

    private static IReadOnlyList<UpPool> PoolsOf(int? trainers, string[] pools)
    {
        if (pools.Length > 0)
        {
            return trainers is null ? UpPool.ReadAll(pools) : throw new UserErrorException($"give either --pool or --trainers: --pool {PoolName.Local}:{trainers} is what --trainers {trainers} says.");
        }

        return trainers is < 1 or > UpPool.MostTrainers
            ? throw new UserErrorException($"--trainers {trainers}: there are 1 to {UpPool.MostTrainers} trainers.")
            : [new UpPool(PoolName.Local, trainers ?? 1)];
    }

    private static async Task<int> RunAsync(UpOptions options, CancellationToken cancellationToken)
    {
        _ = new SourceRoots(options.Roots); // refuses here what the control plane would refuse in its log
        Directory.CreateDirectory(Path.Combine(options.Home, "up"));
        using var alone = Alone(options.Home);
        await using var session = new UpSession(options);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop); // its terminal was closed
        try
        {
            await session.StartAsync(stopping.Token);
            UpSession.Say("");
            UpSession.Say($"The control plane answers at {options.Runs}, the gateway at {options.Playground}/v1; their key is in {options.KeyFile}.");
            UpSession.Say($"  pages    {options.Runs} (runs), {options.Playground} (pictures)");
            UpSession.Say($"  submit   ddm submit SPEC --server {options.Runs}");
            UpSession.Say($"  logs     {Path.Combine(options.Home, "up", "log")}");
            UpSession.Say("Ctrl+C stops all.");
            Console.Error.WriteLine("ddm: " + await session.BrokenAsync(stopping.Token));
            return CommandHost.Failure;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            UpSession.Say("Stopping: running slices commit first.");
            return CommandHost.Success;
        }
        finally
        {
            await session.StopAsync();
        }

        // Also the second: a program that is left alone would hold its port and its part of the home.
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stopping.Cancel();
        }
    }

    // The lock goes with this process, however it ends.
    private static FileStream Alone(string home)
    {
        var file = Path.Combine(home, "up", "lock");
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (File.Exists(file))
        {
            throw new UserErrorException($"another 'ddm up' works in '{home}'. Stop it with Ctrl+C, or give another home with --home DIR and another --port.", e);
        }
    }
}
