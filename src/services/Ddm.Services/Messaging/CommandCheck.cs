using System.Globalization;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// What no handler should see: a command that nothing of ours can have sent, or whose time has not come. It is dropped and its run left alone: who can send to the
/// broker must not fail a run by a wrong number.
/// </summary>
internal static class CommandCheck
{
    /// <summary>What is wrong with a command whatever run it is about; null: nothing.</summary>
    public static string? FindFault(IRunCommand command)
    {
        if (command.Run is null || !RunName.IsValid(command.Run))
        {
            return $"'{Printable.Text(command.Run ?? "")}' cannot name a run";
        }

        return command is TrainSlice slice ? FindFault(slice)
            : Work(command).Shard is < 0 and var shard ? string.Create(CultureInfo.InvariantCulture, $"there is no shard {shard}")
            : null;
    }

    /// <summary>Why a command is not for a run as it stands; null: it is.</summary>
    public static string? FindMismatch(IRunCommand command, RunDocument document)
    {
        var (stage, shard) = Work(command);
        return stage > document.Stage ? $"the run is at stage {document.Stage}, not yet at {stage}"
            : shard >= document.ShardCount && document.ShardCount > 0 ? string.Create(CultureInfo.InvariantCulture, $"there is no shard {shard}: the run has {document.ShardCount}")
            : null;
    }

    private static string? FindFault(TrainSlice slice)
    {
        if (slice.Pool is null || !PoolName.IsValid(slice.Pool))
        {
            return $"'{Printable.Text(slice.Pool ?? "")}' cannot name a pool";
        }

        try
        {
            Role.Parse(slice.RolePath ?? "");
        }
        catch (FormatException e)
        {
            return Printable.Text(e.Message);
        }

        return slice.FromStep < 0 ? string.Create(CultureInfo.InvariantCulture, $"there is no step {slice.FromStep}") : null;
    }

    private static (RunStage Stage, int? Shard) Work(IRunCommand command) => command switch
    {
        IngestShard work => (RunStage.Ingest, work.Shard),
        FitFeatures => (RunStage.FitFeatures, null),
        ExtractFeatures work => (RunStage.ExtractFeatures, work.Shard),
        FitPartition => (RunStage.FitPartition, null),
        AssignShard work => (RunStage.AssignShards, work.Shard),
        FreezeClusters => (RunStage.FreezeClusters, null),
        TrainSlice => (RunStage.Train, null),
        EvaluateRun => (RunStage.Evaluate, null),
        PublishModel => (RunStage.Publish, null),
        _ => (RunStage.Ingest, null),
    };
}
