using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// All that one step hands to the next: the step's number, the weights, their average, AdamW's two moments; float32 always. Nothing else of
/// a training is state, so that these tensors and the spec resume it bit for bit.
/// </summary>
public sealed class TrainingState : IDisposable
{
    /// <summary>File names of the tensors in a checkpoint.</summary>
    public const string WeightsPart = "weights.safetensors", AveragePart = "ema.safetensors", OptimizerPart = "optimizer.safetensors";

    private const string FirstMomentPrefix = "exp_avg.", SecondMomentPrefix = "exp_avg_sq.";

    private readonly string[] names;

    // Never inside a dispose scope: these tensors outlive every step's.
    private TrainingState(Objective objective, Device device)
    {
        TorchNative.EnsureLoaded();
        Network = objective.CreateNetwork(device);
        Average = objective.CreateNetwork(device);
        var weights = NetworkWeights.Of(Network);
        names = [.. weights.Select(w => w.Name)];
        Weights = [.. weights.Select(w => w.Tensor)];
        Averages = [.. NetworkWeights.Of(Average).Select(w => w.Tensor)];
        FirstMoments = [.. Weights.Select(w => zeros_like(w, requires_grad: false))];
        SecondMoments = [.. Weights.Select(w => zeros_like(w, requires_grad: false))];
    }

    /// <summary>Updates made.</summary>
    public long Step { get; internal set; }

    /// <summary>The network that is trained.</summary>
    public TransformerTrunk Network { get; }

    /// <summary>A twin whose weights are the running average: what is measured and published.</summary>
    public TransformerTrunk Average { get; }

    internal Tensor[] Weights { get; }

    internal Tensor[] Averages { get; }

    internal Tensor[] FirstMoments { get; }

    internal Tensor[] SecondMoments { get; }

    /// <summary>The state of step 0, from (seed, role) and what is started from alone; the moments are zero.</summary>
    /// <param name="objective">The role's objective.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="role">The role.</param>
    /// <param name="device">Where to train on.</param>
    /// <param name="start">Weights that take the place of initial ones, in the network and in the average; null: none. Still the caller's.</param>
    /// <exception cref="InvalidDataException">A tensor of <paramref name="start"/> does not fit the network; the message names it.</exception>
    public static TrainingState Create(Objective objective, long seed, Role role, Device device, TensorBundle? start = null)
    {
        var state = new TrainingState(objective, device);
        try
        {
            foreach (var network in new[] { state.Network, state.Average })
            {
                network.Initialize(seed, role.StreamKey);
                if (start is not null)
                {
                    NetworkWeights.Overlay(network, start);
                }
            }

            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>A state read back.</summary>
    /// <param name="objective">The role's objective.</param>
    /// <param name="step">The step that the parts must be of.</param>
    /// <param name="open">Opens a part by its file name, seekable.</param>
    /// <param name="device">Where to train on.</param>
    /// <exception cref="InvalidDataException">A part is malformed, of another step, or does not fit the network; the message names the part and the tensor.</exception>
    public static TrainingState Load(Objective objective, long step, Func<string, Stream> open, Device device)
    {
        var state = new TrainingState(objective, device) { Step = step };
        try
        {
            state.Read(WeightsPart, open, bundle => NetworkWeights.Load(state.Network, bundle));
            state.Read(AveragePart, open, bundle => NetworkWeights.Load(state.Average, bundle));
            state.Read(OptimizerPart, open, bundle =>
            {
                NetworkWeights.Load(state.Named(state.FirstMoments), FirstMomentPrefix, bundle);
                NetworkWeights.Load(state.Named(state.SecondMoments), SecondMomentPrefix, bundle);
            });
            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>The files of this state: what a checkpoint holds besides its manifest. The state must not be stepped while they are written.</summary>
    public IReadOnlyList<(string Name, Action<Stream> Write)> Parts() => Parts(tensor => tensor);

    /// <summary>The files of this moment's state, from a copy in host memory: the state may be stepped while they are written.</summary>
    public StateCopy Copy()
    {
        var copies = new List<Tensor>();
        return new StateCopy(Step, Parts(Copied), copies);

        Tensor Copied(Tensor tensor)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var source = tensor.detach();
            var copy = (source.device_type == TorchSharp.DeviceType.CPU ? source.clone() : source.cpu()).DetachFromDisposeScope();
            copies.Add(copy);
            return copy;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Network.Dispose();
        Average.Dispose();
        foreach (var moment in FirstMoments.Concat(SecondMoments))
        {
            moment.Dispose();
        }
    }

    private IReadOnlyList<(string Name, Action<Stream> Write)> Parts(Func<Tensor, Tensor> take)
    {
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["step"] = Step.ToString(CultureInfo.InvariantCulture) };
        var described = new Dictionary<string, string>(metadata) { ["config"] = OwnConfig.Of(Network) };
        var (weights, averages) = (Named([.. Weights.Select(take)]), Named([.. Averages.Select(take)]));
        IReadOnlyList<(string, Tensor)> moments =
        [
            .. Named([.. FirstMoments.Select(take)]).Select(m => (FirstMomentPrefix + m.Name, m.Tensor)),
            .. Named([.. SecondMoments.Select(take)]).Select(m => (SecondMomentPrefix + m.Name, m.Tensor)),
        ];
        return
        [
            (WeightsPart, stream => TensorFile.Save(stream, weights, described)),
            (AveragePart, stream => TensorFile.Save(stream, averages, described)),
            (OptimizerPart, stream => TensorFile.Save(stream, moments, metadata)),
        ];
    }

    private IReadOnlyList<(string Name, Tensor Tensor)> Named(Tensor[] tensors) => [.. names.Zip(tensors)];

    private void Read(string part, Func<string, Stream> open, Action<TensorBundle> use)
    {
        try
        {
            using var stream = open(part);
            using var bundle = TensorFile.Load(stream);
            var written = bundle.Metadata.GetValueOrDefault("step");
            if (written != Step.ToString(CultureInfo.InvariantCulture))
            {
                throw new InvalidDataException($"It is of step {written ?? "unknown"}, not {Step}.");
            }

            use(bundle);
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException)
        {
            throw new InvalidDataException($"{part}: {error.Message}", error);
        }
    }
}
