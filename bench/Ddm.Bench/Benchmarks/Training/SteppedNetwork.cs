using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Training;
using static TorchSharp.torch;

namespace Ddm.Bench;

/// <summary>A network and a batch that training steps are measured at.</summary>
/// <param name="Preset">Name of the network.</param>
/// <param name="ImageSize">Side of the input.</param>
/// <param name="Channels">Channels of the input.</param>
/// <param name="Batch">Images of one step, in one micro-batch, as the product does it unless a spec says otherwise.</param>
internal sealed record SteppedNetwork(string Preset, int ImageSize, int Channels, int Batch)
{
    /// <summary>Classes of the condition.</summary>
    public const int Classes = 10;

    /// <summary>The shape in numbers.</summary>
    public NetworkSpec Network { get; } = NetworkPresets.Resolve(new NetworkSpec { Preset = Preset, ConditionDropout = 0.1 });

    /// <summary>The shape of an expert.</summary>
    public DiTConfig Config => DiTConfig.From(Network, ImageSize, Channels, Classes);

    /// <summary>A trainer of this network on drawn images, at step 0.</summary>
    public Trainer Train()
    {
        var training = new TrainingSpec { Steps = 1_000_000, Batch = Batch, LearningRate = 1e-4 };
        var spec = new RunSpec
        {
            Name = "benchmark",
            Seed = 1,
            Data = new DataSpec { Source = "none", ImageSize = ImageSize, Channels = Channels },
            Partition = new PartitionSpec { Experts = 1 },
            Model = Network,
            Experts = training,
            Router = new RouterSpec { Network = Network, Training = training },
        };
        var role = Role.Expert(0);
        var numerics = TorchRuntime.Describe(CPU, Batch, Environment.ProcessorCount);
        var objective = Roles.Objective(spec, role, Classes, numerics);
        var trainer = new Trainer(spec, role, objective, Config, new DrawnRows(Channels * ImageSize * ImageSize), null, numerics, CPU, null, null);
        trainer.InitializeOrLoadAsync(null).GetAwaiter().GetResult(); // without a checkpoint nothing is waited for
        return trainer;
    }
}
