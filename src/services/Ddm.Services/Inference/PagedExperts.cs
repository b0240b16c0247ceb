using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Services;

/// <summary>
/// The experts of a model of which only so many are in memory: the one that was not asked for longest makes room for the next. While one computes, the next of the step is read; between steps the one
/// that was asked most of late and is not there. Belongs to the device thread; what is read ahead is read beside it, and is one network more than the limit.
/// </summary>
internal sealed class PagedExperts : IDisposable
{
    private const double Fading = 0.9;

    private readonly Func<int, Task<DiT>> read;
    private readonly Func<int, DiT, IVelocityModel> wrap;
    private readonly int most;
    private readonly Dictionary<int, (DiT Network, IVelocityModel Model)> resident = [];
    private readonly LinkedList<int> order = new(); // not asked for longest: first
    private readonly List<int> begun = []; // of the present step, in the order they will be asked
    private readonly double[] asked; // of late
    private (int Expert, Task<DiT> Network)? ahead;

    /// <param name="experts">Which of them exist.</param>
    /// <param name="most">How many may be in memory, from 1.</param>
    /// <param name="read">Reads and verifies an expert, on a thread where no dispose scope is open: its weights would go with that.</param>
    /// <param name="wrap">Makes an expert of a network.</param>
    public PagedExperts(IReadOnlyList<bool> experts, int most, Func<int, Task<DiT>> read, Func<int, DiT, IVelocityModel> wrap)
    {
        (this.most, this.read, this.wrap) = (most, read, wrap);
        asked = new double[experts.Count];
        Models = [.. experts.Select((there, k) => there ? new Page(this, k) : null)];
    }

    /// <summary>By cluster; null: missing.</summary>
    public IReadOnlyList<IVelocityModel?> Models { get; }

    /// <summary>Experts in memory.</summary>
    public int Resident => resident.Count;

    /// <summary>Times an expert was brought into memory.</summary>
    public int Loads { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (network, _) in resident.Values)
        {
            network.Dispose();
        }

        resident.Clear();
        GiveUp();
    }

    private void Begin(int expert)
    {
        if (begun.Contains(expert))
        {
            begun.Clear(); // the step before was cut short
        }

        begun.Add(expert);
        ReadAhead(begun.FirstOrDefault(k => !resident.ContainsKey(k), -1));
    }

    private Tensor Compute(int expert, Tensor x, Tensor t, Tensor? condition)
    {
        begun.Remove(expert);
        for (var k = 0; k < asked.Length; k++)
        {
            asked[k] *= Fading;
        }

        asked[expert]++;
        var model = Require(expert);
        var next = begun.FirstOrDefault(k => !resident.ContainsKey(k), -1);
        ReadAhead(next >= 0 ? next : begun.Count == 0 ? Likely() : -1);
        return model.Velocity(x, t, condition);
    }

    private IVelocityModel Require(int expert)
    {
        if (!resident.TryGetValue(expert, out var page))
        {
            var network = Take(expert);
            while (resident.Count >= most)
            {
                Evict();
            }

            resident[expert] = page = (network, wrap(expert, network));
            Loads++;
        }

        order.Remove(expert);
        order.AddLast(expert);
        return page.Model;
    }

    // The device has nothing else to do for this step: it waits.
    private DiT Take(int expert)
    {
        if (ahead?.Expert != expert)
        {
            GiveUp();
            ahead = (expert, read(expert));
        }

        var network = ahead.Value.Network;
        ahead = null;
        return network.GetAwaiter().GetResult();
    }

    // What was read for nothing goes as soon as it is there.
    private void GiveUp()
    {
        _ = ahead?.Network.ContinueWith(static read => read.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        ahead = null;
    }

    // Never one that the present step will still ask, if there is another; else the one it will ask last.
    private void Evict()
    {
        var victim = order.FirstOrDefault(k => !begun.Contains(k), -1);
        victim = victim >= 0 ? victim : begun.Last(resident.ContainsKey);
        resident[victim].Network.Dispose();
        resident.Remove(victim);
        order.Remove(victim);
    }

    private int Likely()
    {
        var best = -1;
        for (var k = 0; k < asked.Length; k++)
        {
            best = !resident.ContainsKey(k) && asked[k] > 0.5 && (best < 0 || asked[k] > asked[best]) ? k : best;
        }

        return best;
    }

    private void ReadAhead(int expert)
    {
        if (expert >= 0 && ahead?.Expert != expert && (ahead is null || !begun.Contains(ahead.Value.Expert)))
        {
            GiveUp();
            ahead = (expert, read(expert));
        }
    }

    private sealed class Page(PagedExperts pages, int expert) : IVelocityModel
    {
        public Tensor Velocity(Tensor x, Tensor t, Tensor? condition) => pages.Compute(expert, x, t, condition);

        public VelocityCall Begin(Tensor x, Tensor t, Tensor? condition)
        {
            pages.Begin(expert);
            return VelocityCall.Here(() => Velocity(x, t, condition));
        }
    }
}
