namespace Ddm.Runs;

/// <summary>What a user asks for: one YAML file. Immutable once a run exists under its name.</summary>
public sealed record RunSpec
{
    /// <summary>The run's and the published model's id: 1 to 63 of a-z, 0-9 and '-', starting with a letter or digit.</summary>
    public required string Name { get; init; }

    /// <summary>Keys every random number of the run.</summary>
    public long Seed { get; init; }

    /// <summary>Where the images are and how they are read.</summary>
    public required DataSpec Data { get; init; }

    /// <summary>What images are clustered by.</summary>
    public FeaturesSpec Features { get; init; } = new();

    /// <summary>The space that networks see.</summary>
    public LatentSpec Latent { get; init; } = new();

    /// <summary>What networks see of captions; without an encoder nothing, and classes are the condition.</summary>
    public TextSpec Text { get; init; } = new();

    /// <summary>How the data set is cut.</summary>
    public required PartitionSpec Partition { get; init; }

    /// <summary>The network of every expert.</summary>
    public required NetworkSpec Model { get; init; }

    /// <summary>What every expert starts from besides (seed, role).</summary>
    public InitSpec Init { get; init; } = new();

    /// <summary>How each expert is trained.</summary>
    public required TrainingSpec Experts { get; init; }

    /// <summary>The router's network and its training.</summary>
    public required RouterSpec Router { get; init; }

    /// <summary>How pictures are drawn unless a request says otherwise.</summary>
    public SamplingSpec Sampling { get; init; } = new();

    /// <summary>Slices, commits and numerics.</summary>
    public ExecutionSpec Execution { get; init; } = new();

    /// <summary>Whether captions are the condition.</summary>
    public bool HasText => Text.Encoder is not null;

    /// <summary>What networks see of an image: its pixels, or its latent.</summary>
    public InputShape Input() => Latent.Vae is null ? new InputShape(Data.Channels, Data.ImageSize) : new InputShape(Latent.Channels, Data.ImageSize / Latent.Factor);
}
