using Ddm.Diffusion;
using Ddm.Services;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>The expert hosts of a gateway. An expert is known by the hash of its weights, as the manifest names it: who holds that, may answer.</summary>
internal sealed class ExpertFleet : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly FleetSettings settings;
    private readonly TimeProvider time;

    public ExpertFleet(FleetSettings settings, TimeProvider time, ILogger<ExpertFleet> log)
    {
        (this.settings, this.time) = (settings, time);
        Links = [.. settings.Addresses.Select(address => new ExpertHostLink(address, settings, time, log))];
        ServingTelemetry.Watch(this);
    }

    /// <summary>The hosts, there or not.</summary>
    public IReadOnlyList<ExpertHostLink> Links { get; }

    /// <summary>Where an expert of a model is: elsewhere, or here (null).</summary>
    public RemoteExpert? Place(int index, PublishedRole role) => Links.Count == 0 || settings.Local.Contains(index) ? null : new RemoteExpert(this, index, role.Sha256!);

    /// <summary>Whether a host that is there holds an expert.</summary>
    public bool IsHeld(string expert) => Links.Any(link => link.Holds(expert));

    /// <summary>Experts of a model that should be on a host and are on none.</summary>
    public IReadOnlyList<int> Unheld(ModelManifest manifest) => Links.Count == 0 ? []
        : [.. Enumerable.Range(0, manifest.Experts.Count).Where(k => manifest.Experts[k].Sha256 is { } sha256 && !settings.Local.Contains(k) && !IsHeld(sha256))];

    /// <summary>Asks whoever would answer first of those that hold an expert, and the next where one fails.</summary>
    /// <exception cref="ExpertLostException">None of them answered.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more.</exception>
    public async Task<(WireTensor Velocity, ExpertHostLink By)> AskAsync(VelocityQuestion question, int index, CancellationToken cancellationToken)
    {
        var (bytes, rows) = (question.Write(), (int)question.X.Shape[0]);
        RpcException? last = null;
        var (tried, began) = (new HashSet<ExpertHostLink>(), time.GetTimestamp());
        while (true)
        {
            var link = Links.Where(link => link.Holds(question.Expert) && !tried.Contains(link)).MinBy(link => (link.Expected(rows), link.Rows));
            if (link is null && last?.StatusCode == StatusCode.ResourceExhausted && time.GetElapsedTime(began) < settings.Deadline)
            {
                tried.Clear(); // full, not gone
                await Task.Delay(Pause, time, cancellationToken);
                last = null;
                continue;
            }

            if (link is null)
            {
                throw new ExpertLostException($"No host answers for expert {index}{(last is null ? "" : $" ({last.StatusCode})")}.", last);
            }

            tried.Add(link);
            try
            {
                return (await link.AskAsync(bytes, rows, answer => VelocityAnswer.Read(answer, question.X.Shape), cancellationToken), link);
            }
            catch (RpcException e) when (e.StatusCode != StatusCode.InvalidArgument)
            {
                last = e;
            }
            catch (RpcException e)
            {
                throw new InvalidOperationException($"{link.Address} does not take what was asked of expert {index}: {e.Status.Detail}", e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ServingTelemetry.Unwatch(this);
        foreach (var link in Links)
        {
            link.Dispose();
        }
    }
}
