using System.Diagnostics;
using System.Globalization;

namespace Ddm.Bench;

/// <summary>A <c>ddm host</c> as a program of its own.</summary>
internal sealed class HostProgram : IAsyncDisposable
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(5), LongestStop = TimeSpan.FromSeconds(30);

    private readonly Process process;

    private HostProgram(Process process) => this.process = process;

    /// <summary>Where it answers.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <summary>Its process.</summary>
    public int Id => process.Id;

    /// <summary>Starts one for each share; they hold their experts when it returns.</summary>
    /// <param name="home">The store's folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="shares">As <c>--experts</c> takes them.</param>
    /// <param name="weights">As <c>--expert-weights</c> takes it.</param>
    /// <param name="key">The key it asks for.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    public static async Task<IReadOnlyList<HostProgram>> StartAsync(
        string home, string model, IReadOnlyList<string> shares, string weights, string key, CancellationToken cancellationToken)
    {
        HostProgram[] hosts = [.. shares.Select(share => Launch(home, model, share, weights, key))];
        try
        {
            await Task.WhenAll(hosts.Select(host => host.ReadyAsync(cancellationToken)));
            return hosts;
        }
        catch
        {
            await Task.WhenAll(hosts.Select(host => host.DisposeAsync().AsTask()));
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using (process)
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None).WaitAsync(LongestStop);
            }
        }
    }

    private static HostProgram Launch(string home, string model, string share, string weights, string key)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "ddm.dll"), "host", model, "--home", home, "--experts", share, "--expert-weights", weights, "--port", "0"];
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["DDM_EXPERT_KEY"] = key;
        start.Environment["OMP_NUM_THREADS"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture);
        return new HostProgram(Process.Start(start)!);
    }

    private async Task ReadyAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(LongestStart);
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.Split("Answers gateways at ") is [_, var rest])
            {
                Address = new Uri(rest[..rest.IndexOf(": ", StringComparison.Ordinal)]);
                return;
            }
        }

        throw new IOException("ddm host ended before it held its experts; its errors are above.");
    }
}
