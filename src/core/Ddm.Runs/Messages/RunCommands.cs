namespace Ddm.Runs;

/// <summary>Reads one range of source images into an immutable shard of the data set.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Shard">0-based shard.</param>
public sealed record IngestShard(string Run, int Shard) : IRunCommand;

/// <summary>Fits the feature encoder, where it has anything to fit.</summary>
/// <param name="Run">Name of the run.</param>
public sealed record FitFeatures(string Run) : IRunCommand;

/// <summary>Computes the features of one shard.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Shard">0-based shard.</param>
public sealed record ExtractFeatures(string Run, int Shard) : IRunCommand;

/// <summary>Fits the fine centroids and their map to K clusters.</summary>
/// <param name="Run">Name of the run.</param>
public sealed record FitPartition(string Run) : IRunCommand;

/// <summary>Assigns the rows of one shard to clusters.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Shard">0-based shard.</param>
public sealed record AssignShard(string Run, int Shard) : IRunCommand;

/// <summary>Writes each cluster's shuffled shards and its manifest: the barrier after which training data never change.</summary>
/// <param name="Run">Name of the run.</param>
public sealed record FreezeClusters(string Run) : IRunCommand;

/// <summary>Trains one role for a bounded time and commits.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="RolePath"><see cref="Role.Path"/>.</param>
/// <param name="FromStep">The committed step it was sent for; a slice that finds the head elsewhere is dropped.</param>
/// <param name="Pool">The pool that it is placed in; a slice whose role was placed elsewhere since is dropped.</param>
/// <param name="Submission">
/// When the run was submitted, Unix milliseconds: a worker that knows the run of that moment need not read its document, and a message of a run that was removed
/// says nothing about the next of its name. 0: not said.
/// </param>
public sealed record TrainSlice(string Run, string RolePath, long FromStep, string Pool = PoolName.Local, long Submission = 0) : IRunCommand;

/// <summary>Measures the finished experts and router and writes the report.</summary>
/// <param name="Run">Name of the run.</param>
public sealed record EvaluateRun(string Run) : IRunCommand;

/// <summary>Copies the weights by content hash and publishes the model's manifest.</summary>
/// <param name="Run">Name of the run.</param>
public sealed record PublishModel(string Run) : IRunCommand;
