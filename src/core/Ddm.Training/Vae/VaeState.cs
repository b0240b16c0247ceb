using System.Globalization;
using Ddm.Encoders;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>All that one step of an autoencoder's training hands to the next: the step's number, the weights, their average, AdamW's two moments; float32 always.</summary>
internal sealed class VaeState : IDisposable
{
    private const string WeightPrefix = "weight.", AveragePrefix = "ema.", FirstMomentPrefix = "exp_avg.", SecondMomentPrefix = "exp_avg_sq.", StepKey = "step";

    private readonly string[] names;

    private VaeState(VaeConfig config, Dictionary<string, Tensor> drawn, Device device)
    {
        names = [.. drawn.Keys];
        using var noGradient = no_grad();
        FirstMoments = Array.ConvertAll(names, name => zeros_like(drawn[name], device: device).DetachFromDisposeScope());
        SecondMoments = Array.ConvertAll(names, name => zeros_like(drawn[name], device: device).DetachFromDisposeScope());
        Averages = Array.ConvertAll(names, name => Copy(drawn[name], device));
        Weights = Array.ConvertAll(names, name => Copy(drawn[name], device).requires_grad_());
        Network = AutoencoderKL.Of(config, Named(Weights));
        Average = AutoencoderKL.Of(config, Named(Averages));
    }

    /// <summary>Updates made.</summary>
    public long Step { get; set; }

    /// <summary>The network that is trained.</summary>
    public AutoencoderKL Network { get; }

    /// <summary>A twin whose weights are the running average: what is measured and written.</summary>
    public AutoencoderKL Average { get; }

    public Tensor[] Weights { get; }

    public Tensor[] Averages { get; }

    public Tensor[] FirstMoments { get; }

    public Tensor[] SecondMoments { get; }

    /// <summary>The state of step 0, from the seed alone.</summary>
    public static VaeState Create(VaeConfig config, long seed, Device device)
    {
        var drawn = VaeInitializer.Draw(config, seed);
        try
        {
            return new VaeState(config, drawn, device);
        }
        finally
        {
            foreach (var tensor in drawn.Values)
            {
                tensor.Dispose();
            }
        }
    }

    /// <summary>Averaged weights by their names, on the CPU, in tensors of their own.</summary>
    public Dictionary<string, Tensor> Finished() => Named(Array.ConvertAll(Averages, average => Copy(average, CPU)));

    /// <summary>Writes the state as one safetensors file.</summary>
    /// <param name="stream">Receives it.</param>
    /// <param name="facts">Free text for its header.</param>
    public void Save(Stream stream, IReadOnlyDictionary<string, string> facts)
    {
        var metadata = new Dictionary<string, string>(facts) { [StepKey] = Step.ToString(CultureInfo.InvariantCulture) };
        TensorFile.Save(stream, [.. Parts().SelectMany(part => names.Zip(part.Tensors, (name, tensor) => (part.Prefix + name, tensor)))], metadata);
    }

    /// <summary>Takes over what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, not finite, of another shape, or the step is; the message names it.</exception>
    public void Load(TensorBundle bundle)
    {
        bundle.RequireFinite();
        var step = bundle.Metadata.GetValueOrDefault(StepKey);
        if (!long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new InvalidDataException($"Its step is '{step}', which is no number.");
        }

        using var noGradient = no_grad();
        foreach (var (prefix, tensors) in Parts())
        {
            for (var i = 0; i < names.Length; i++)
            {
                tensors[i].copy_(bundle.Require(prefix + names[i], tensors[i].shape));
            }
        }

        Step = number;
    }

    public void Dispose()
    {
        Network.Dispose();
        Average.Dispose();
        foreach (var moment in FirstMoments.Concat(SecondMoments))
        {
            moment.Dispose();
        }
    }

    private static Tensor Copy(Tensor tensor, Device device)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(device, copy: true).DetachFromDisposeScope();
    }

    private (string Prefix, Tensor[] Tensors)[] Parts()
        => [(WeightPrefix, Weights), (AveragePrefix, Averages), (FirstMomentPrefix, FirstMoments), (SecondMomentPrefix, SecondMoments)];

    private Dictionary<string, Tensor> Named(Tensor[] tensors)
        => names.Zip(tensors).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
}
