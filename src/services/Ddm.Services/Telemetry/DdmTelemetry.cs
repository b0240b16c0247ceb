using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>What services tell of themselves, by the names that a dashboard asks for. Costs next to nothing where nobody listens.</summary>
public static class DdmTelemetry
{
    /// <summary>Of the activity source and the meter.</summary>
    public const string Name = "Ddm";

    /// <summary>Of the activity source and the meter of the message library.</summary>
    public const string MessagesName = "MassTransit";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    /// <summary>Mean training loss of a role's latest steps.</summary>
    internal static Gauge<double> Loss { get; } = Meter.CreateGauge<double>("ddm.training.loss");

    /// <summary>Rate of a role's present slice.</summary>
    internal static Gauge<double> ImagesPerSecond { get; } = Meter.CreateGauge<double>("ddm.training.images_per_second", "{image}/s");

    /// <summary>Steps made, whether they are committed later or not: less the committed ones, what faults cost.</summary>
    internal static Counter<long> TrainedSteps { get; } = Meter.CreateCounter<long>("ddm.training.trained_steps", "{step}");

    /// <summary>Mean duration of a training step of a role's present slice.</summary>
    internal static Histogram<double> StepDuration { get; } = Meter.CreateHistogram<double>("ddm.training.step.duration", "s");

    /// <summary>Steps a role has committed.</summary>
    internal static Gauge<long> CommittedSteps { get; } = Meter.CreateGauge<long>("ddm.training.committed_steps", "{step}");

    /// <summary>Duration of a command, its retries included.</summary>
    internal static Histogram<double> CommandDuration { get; } = Meter.CreateHistogram<double>("ddm.command.duration", "s");

    /// <summary>Time from the sending of a command to its arrival at a worker.</summary>
    internal static Histogram<double> QueueWait { get; } = Meter.CreateHistogram<double>("ddm.queue.wait", "s");

    /// <summary>Messages that found their work under way in the same process.</summary>
    internal static Counter<long> DroppedDuplicates { get; } = Meter.CreateCounter<long>("ddm.duplicates.dropped", "{message}");

    /// <summary>Rows of each cluster of a run, when it is frozen.</summary>
    internal static Gauge<long> ClusterRows { get; } = Meter.CreateGauge<long>("ddm.cluster.rows", "{image}");

    /// <summary>Reports what is rare as zero from the start, so that an alert on its increase sees the first one too.</summary>
    internal static void Announce()
    {
        StorageTelemetry.Announce();
        DroppedDuplicates.Add(0, new KeyValuePair<string, object?>("ddm.command", nameof(TrainSlice)));
    }

    /// <summary>Records how a role's training stands.</summary>
    /// <param name="progress">How it stands.</param>
    /// <param name="document">Its run; null: not known.</param>
    internal static void Record(TrainingProgress progress, RunDocument? document)
    {
        KeyValuePair<string, object?>[] tags = [new("ddm.run", RunScope.Current), new("ddm.role", progress.Role.Path)];
        if (progress.Loss is { } loss)
        {
            Loss.Record(loss, tags);
        }

        if (progress.ImagesPerSecond > 0)
        {
            ImagesPerSecond.Record(progress.ImagesPerSecond, tags);
            if (document is not null)
            {
                StepDuration.Record(Roles.Training(document.Spec, progress.Role).Batch / progress.ImagesPerSecond, tags);
            }
        }

        CommittedSteps.Record(progress.CommittedStep, tags);
    }

    /// <summary>A gauge that is asked when metrics are read.</summary>
    internal static void Observe(string name, string unit, string description, Func<IEnumerable<Measurement<double>>> values)
        => Meter.CreateObservableGauge(name, values, unit, description);

    /// <summary>
    /// Begins a command's trace. Each is a root of its own: slices follow one another for days, and a trace that long can be read by nobody. It is
    /// linked to the submission instead, once the run's document is known.
    /// </summary>
    internal static CommandActivity Begin(IRunCommand command)
    {
        var before = Activity.Current;
        Activity.Current = null;
        var activity = Source.StartActivity(command.GetType().Name, ActivityKind.Consumer);
        activity?.SetTag("ddm.run", command.Run);
        if (command is TrainSlice slice)
        {
            activity?.SetTag("ddm.role", slice.RolePath).SetTag("ddm.from_step", slice.FromStep);
        }

        return new CommandActivity(command, activity, before);
    }

    /// <summary>The kind of a command, as a dimension.</summary>
    internal static KeyValuePair<string, object?> Command(IRunCommand command) => new("ddm.command", command.GetType().Name);
}
