using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Trainers that compute: data from the run's clusters, steps by torch on the device thread.</summary>
public sealed class TorchRoleTrainers(IBlobStore blobs, RunDataset datasets, RunSeeds seeds, DeviceThread device, TimeProvider time) : IRoleTrainers
{
    /// <inheritdoc/>
    public NumericsClass? Numerics
    {
        get
        {
            TorchNative.EnsureLoaded();
            return TorchRuntime.Describe(torch.cuda.is_available() ? torch.CUDA : torch.CPU, 1, Environment.ProcessorCount);
        }
    }

    /// <inheritdoc/>
    public bool CanTrain(NumericsClass numerics)
    {
        TorchNative.EnsureLoaded();
        return (!IsCuda(numerics) || torch.cuda.is_available()) && Training.Numerics.CanEnter(numerics, DeviceOf(numerics));
    }

    /// <inheritdoc/>
    public async Task<IRoleTrainer> OpenAsync(RunDocument document, Role role, CancellationToken cancellationToken)
    {
        var clusters = role.Kind == RoleKind.Expert ? [role.Index] : Enumerable.Range(0, document.Spec.Partition.Experts).ToArray();
        var train = await ClusterDataset.OpenAsync(blobs, document.Name, clusters, heldOut: false, cancellationToken);
        var heldOut = await ClusterDataset.OpenAsync(blobs, document.Name, clusters, heldOut: true, cancellationToken);
        return new TorchRoleTrainer(document, role, train, heldOut, datasets, seeds, device, time);
    }

    internal static torch.Device DeviceOf(NumericsClass numerics) => IsCuda(numerics) ? torch.CUDA : torch.CPU;

    private static bool IsCuda(NumericsClass numerics) => numerics.Device.StartsWith("cuda", StringComparison.Ordinal);
}
