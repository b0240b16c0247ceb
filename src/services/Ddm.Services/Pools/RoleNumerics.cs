using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Training;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Fixes the numerics class of each role of a new run: that of the workers which will train it, where there are any; else that of this process.</summary>
public sealed class RoleNumerics(WorkerDirectory directory, WorkerSettings settings)
{
    /// <summary>The classes, by <see cref="Role.Path"/>.</summary>
    public async Task<IReadOnlyDictionary<string, NumericsClass>> ChooseAsync(RunSpec spec, CancellationToken cancellationToken)
    {
        var workers = settings.IsAlone ? [] : (await directory.ReadAsync(cancellationToken))
            .Where(worker => worker is { IsAlive: true, Record: { Cordoned: null, Numerics: not null } }).Select(worker => worker.Record)
            .OrderBy(worker => worker.Name, StringComparer.Ordinal).ToList();
        return Enumerable.Range(0, spec.Partition.Experts).Select(Role.Expert).Append(Role.Router)
            .ToDictionary(role => role.Path, role => Choose(spec, role, workers), StringComparer.Ordinal);
    }

    private static NumericsClass Choose(RunSpec spec, Role role, List<WorkerRecord> workers)
    {
        var microBatch = spec.Execution.MicroBatch ?? Roles.Training(spec, role).Batch;
        foreach (var pool in PoolPlacement.Allowed(spec, role, workers))
        {
            if (workers.Find(worker => worker.Pool == pool)?.Numerics is { } there)
            {
                return there with { MicroBatch = microBatch, Threads = spec.Execution.Threads ?? there.Threads };
            }
        }

        var device = torch.cuda.is_available() ? torch.CUDA : torch.CPU;
        return TorchRuntime.Describe(device, microBatch, spec.Execution.Threads ?? Environment.ProcessorCount);
    }
}
