using System.Globalization;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Expert hosts as processes of their own, as people run them.</summary>
internal sealed class ExpertHostProcess : IAsyncDisposable
{
    private readonly string home, experts;
    private ServiceProcess process;

    private ExpertHostProcess(string home, string experts)
    {
        (this.home, this.experts) = (home, experts);
        Port = LoopbackPort.Free(1)[0];
        process = Launch();
    }

    public int Port { get; }

    public string Address => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    public ServiceProcess Process => process;

    /// <summary>Starts one for each of the lists of experts; they hold them when it returns.</summary>
    public static async Task<ExpertHostProcess[]> StartAsync(string home, params string[] experts)
    {
        ExpertHostProcess[] hosts = [.. experts.Select(list => new ExpertHostProcess(home, list))];
        await Task.WhenAll(hosts.Select(host => host.process.ReadyAsync()));
        return hosts;
    }

    /// <summary>Settings of a gateway over them.</summary>
    public static (string Setting, string Value)[] Over(IEnumerable<ExpertHostProcess> hosts)
        => [("Ddm:ExpertHosts:Addresses", string.Join(';', hosts.Select(host => host.Address))), ("Ddm:ExpertHosts:Key", ExpertHostServer.Key), ("Ddm:ExpertHosts:ProbeEvery", "00:00:00.2")];

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Starts it again where it was.</summary>
    public async Task ReturnAsync()
    {
        await process.DisposeAsync();
        process = Launch();
        await process.ReadyAsync();
    }

    /// <summary>The most memory it ever had, bytes.</summary>
    public long PeakBytes() => PeakBytes(process.Id);

    /// <summary>The most memory a process ever had, bytes.</summary>
    public static long PeakBytes(int process)
    {
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status")).First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private ServiceProcess Launch() => ServiceProcess.Start("ExpertHost", new Dictionary<string, string>
    {
        ["ConnectionStrings:blobs"] = home,
        ["Ddm:ApiKeys"] = "experts:" + ExpertHostServer.Key,
        ["Ddm:ExpertHost:Model"] = RandomModel.Name,
        ["Ddm:ExpertHost:Experts"] = experts,
        ["Ddm:ExpertHost:Listen"] = Address,
        ["OMP_NUM_THREADS"] = string.Create(CultureInfo.InvariantCulture, $"{TorchSharp.torch.get_num_threads()}"), // one numerics class
    });
}
