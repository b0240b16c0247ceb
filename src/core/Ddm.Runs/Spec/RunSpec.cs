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

    /// <summary>How the data set is cut.</summary>
    public required PartitionSpec Partition { get; init; }

    /// <summary>The network of every expert.</summary>
    public required NetworkSpec Model { get; init; }

    /// <summary>How each expert is trained.</summary>
    public required TrainingSpec Experts { get; init; }

    /// <summary>The router's network and its training.</summary>
    public required RouterSpec Router { get; init; }

    /// <summary>How pictures are drawn unless a request says otherwise.</summary>
    public SamplingSpec Sampling { get; init; } = new();

    /// <summary>Slices, commits and numerics.</summary>
    public ExecutionSpec Execution { get; init; } = new();
}

/// <summary>The data set of a run.</summary>
public sealed record DataSpec
{
    /// <summary>A folder with IDX files, an IDX images file (.gz or not), or a folder <c>class/picture.png</c>; relative to the spec file.</summary>
    public required string Source { get; init; }

    /// <summary>Side of the square the networks see, pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>1 (grey) or 3 (RGB).</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Names of the classes in the order of their labels; empty: taken from the folders, or the numbers themselves.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Share of the images held out by content hash, never trained on.</summary>
    public double HeldOut { get; init; } = 0.05;

    /// <summary>Images in one shard.</summary>
    public int ShardRows { get; init; } = 2048;
}

/// <summary>The features of a run.</summary>
public sealed record FeaturesSpec
{
    /// <summary>Encoder name; <c>pixels</c>: principal components of the pixels.</summary>
    public string Encoder { get; init; } = "pixels";

    /// <summary>Components that <c>pixels</c> keeps.</summary>
    public int Dimensions { get; init; } = 64;
}

/// <summary>The partition of a run.</summary>
public sealed record PartitionSpec
{
    /// <summary>K: clusters and experts.</summary>
    public required int Experts { get; init; }

    /// <summary>Fine centroids; null: min(1024, N/39).</summary>
    public int? Fine { get; init; }

    /// <summary>Largest cluster allowed, as a multiple of the mean cluster size.</summary>
    public double Cap { get; init; } = 1.25;

    /// <summary>k-means restarts; the best inertia wins.</summary>
    public int Restarts { get; init; } = 3;

    /// <summary>Feature rows that k-means fits on at most.</summary>
    public int SampleRows { get; init; } = 262_144;
}

/// <summary>A diffusion transformer's size: a preset, or its three numbers.</summary>
public sealed record NetworkSpec
{
    /// <summary>For instance <c>DiT-S/2</c>; null when the numbers are given.</summary>
    public string? Preset { get; init; }

    /// <summary>Width D.</summary>
    public int Hidden { get; init; }

    /// <summary>Blocks.</summary>
    public int Depth { get; init; }

    /// <summary>Attention heads; divides <see cref="Hidden"/>.</summary>
    public int Heads { get; init; }

    /// <summary>Side of a patch, pixels; divides the image size.</summary>
    public int Patch { get; init; }

    /// <summary>Width of the MLP over <see cref="Hidden"/>.</summary>
    public double MlpRatio { get; init; } = 4.0;

    /// <summary>True: conditioned on the image's class.</summary>
    public bool ClassCondition { get; init; } = true;

    /// <summary>Probability that a training row's condition is dropped.</summary>
    public double ConditionDropout { get; init; } = 0.1;
}

/// <summary>How one role is trained. Everything here is a function of the step, so that a run resumes exactly.</summary>
public sealed record TrainingSpec
{
    /// <summary>Optimiser steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Global batch, rows; micro-batches sum to it.</summary>
    public required int Batch { get; init; }

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Steps of linear warm-up.</summary>
    public int Warmup { get; init; }

    /// <summary>What follows the warm-up: constant, cosine or linear, down to <see cref="FinalLearningRate"/>.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Constant;

    /// <summary>Learning rate of the last step.</summary>
    public double FinalLearningRate { get; init; }

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>AdamW's first decay.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Largest global gradient norm.</summary>
    public double Clip { get; init; } = 1.0;

    /// <summary>Relative width of the power-function EMA (EDM2, eq. 121 ff.): 0.05 follows the last tenth of the run.</summary>
    public double EmaStd { get; init; } = 0.05;

    /// <summary>Density that t is drawn from.</summary>
    public TimeDensitySpec T { get; init; } = new();
}

/// <summary>The router.</summary>
public sealed record RouterSpec
{
    /// <summary>Its network.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>Its training.</summary>
    public required TrainingSpec Training { get; init; }
}

/// <summary>The density of training times.</summary>
public sealed record TimeDensitySpec
{
    /// <summary>Uniform, or logit-normal mixed with 10% uniform.</summary>
    public TimeDensityKind Density { get; init; } = TimeDensityKind.Uniform;

    /// <summary>Mean of logit(t).</summary>
    public double Mean { get; init; }

    /// <summary>Standard deviation of logit(t).</summary>
    public double Std { get; init; } = 1.0;
}

/// <summary>The sampler's defaults.</summary>
public sealed record SamplingSpec
{
    /// <summary>Solver steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Classifier-free guidance scale; 1: none.</summary>
    public double Guidance { get; init; } = 1.0;

    /// <summary>Euler or Heun.</summary>
    public Solver Solver { get; init; } = Solver.Euler;

    /// <summary>Timestep shift s: t' = s t / (1 + (s - 1) t).</summary>
    public double Shift { get; init; } = 1.0;
}

/// <summary>How the run is carried out: no influence on what is learned, apart from the numerics class.</summary>
public sealed record ExecutionSpec
{
    /// <summary>Rows of one forward and backward; null: the whole batch.</summary>
    public int? MicroBatch { get; init; }

    /// <summary>CPU threads; null: those of the machine the run is submitted on.</summary>
    public int? Threads { get; init; }

    /// <summary>Longest time one slice trains before it commits and gives way, seconds.</summary>
    public double SliceSeconds { get; init; } = 20;

    /// <summary>Shards a sample order mixes at once.</summary>
    public int WindowShards { get; init; } = 64;

    /// <summary>Committed checkpoints a role keeps; at least 2.</summary>
    public int KeepCheckpoints { get; init; } = 2;
}

/// <summary>Learning-rate decays.</summary>
public enum LearningRateDecay
{
    /// <summary>None.</summary>
    Constant,

    /// <summary>Half a cosine.</summary>
    Cosine,

    /// <summary>A straight line.</summary>
    Linear,
}

/// <summary>Densities of t.</summary>
public enum TimeDensityKind
{
    /// <summary>U(0, 1).</summary>
    Uniform,

    /// <summary>0.9 logit-normal + 0.1 uniform.</summary>
    LogitNormal,
}

/// <summary>Solvers of the flow's differential equation.</summary>
public enum Solver
{
    /// <summary>First order, one evaluation a step.</summary>
    Euler,

    /// <summary>Second order, two evaluations a step.</summary>
    Heun,
}
