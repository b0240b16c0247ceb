using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>A shard to encode.</summary>
/// <param name="Document">The run.</param>
/// <param name="Stage">For what it is encoded.</param>
/// <param name="Dataset">The run's data set.</param>
/// <param name="Shard">Which shard.</param>
/// <param name="BatchRows">Rows that are encoded at once.</param>
public sealed record ShardWork(RunDocument Document, RunStage Stage, DatasetReader Dataset, int Shard, int BatchRows);
