using Ddm.Diffusion;
using Ddm.Services;
using static TorchSharp.torch;

namespace Ddm.Serving;

/// <summary>A version of a model in memory. It goes when it is no longer current and the last order that began with it has ended.</summary>
internal sealed class ServedModel
{
    private const int MostCaptions = 512;

    private readonly DeviceThread device;
    private readonly Dictionary<string, Tensor> captions = new(StringComparer.Ordinal); // the device thread's
    private int holders = 1; // the shelf

    public ServedModel(LoadedModel loaded, string sha256, DeviceThread device)
    {
        (Loaded, Sha256, this.device) = (loaded, sha256, device);
        Sampler = loaded.Sampler();
        Strategy = RoutingStrategy.Parse(loaded.Manifest.Routing);
    }

    public LoadedModel Loaded { get; }

    public ModelManifest Manifest => Loaded.Manifest;

    /// <summary>Hash of its manifest; of an unfinished run: its version.</summary>
    public string Sha256 { get; }

    public Sampler Sampler { get; }

    /// <summary>How experts are chosen where a request does not say.</summary>
    public RoutingStrategy Strategy { get; }

    /// <summary>Holds it; null when it is gone.</summary>
    public ModelLease? TryLease()
    {
        while (true)
        {
            var now = Volatile.Read(ref holders);
            if (now == 0)
            {
                return null;
            }

            if (Interlocked.CompareExchange(ref holders, now + 1, now) == now)
            {
                return new ModelLease(this);
            }
        }
    }

    /// <summary>Lets go once. Who lets go last frees it on the device thread.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref holders) == 0)
        {
            _ = device.RunAsync(Free);
        }
    }

    /// <summary>The pictures of an order, on the device thread.</summary>
    public IReadOnlyList<Picture> Begin(PictureOrder order)
    {
        using var scope = NewDisposeScope();
        return Sampler.Begin(order.Request with
        {
            Text = order.Prompt is null ? null : Caption(order.Prompt, order.Count),
            NegativeText = order.Negative is null ? null : Caption(order.Negative, order.Count),
        });
    }

    // The same words are asked for again and again, and an encoder may cost as much as steps do.
    private Tensor Caption(string text, int count)
    {
        if (!captions.TryGetValue(text, out var row))
        {
            if (captions.Count >= MostCaptions)
            {
                Forget();
            }

            using var noGrad = no_grad();
            row = Loaded.Captions!.Encode([text]).DetachFromDisposeScope();
            captions.Add(text, row);
        }

        return row.expand([count, .. row.shape[1..]]);
    }

    private void Forget()
    {
        foreach (var row in captions.Values)
        {
            row.Dispose();
        }

        captions.Clear();
    }

    private void Free()
    {
        Forget();
        Loaded.Dispose();
    }
}
