using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Publishes a finished run: weights by content, then the version's manifest, then the pointer to it.</summary>
public sealed class PublishModelHandler(IBlobStore blobs, RunRepository runs, ModelCatalog catalog, Publication publication, ICommandSender sender) : ICommandHandler<PublishModel>
{
    /// <inheritdoc/>
    public async Task HandleAsync(PublishModel command, CancellationToken cancellationToken)
    {
        var model = await catalog.OfRunAsync(await runs.GetAsync(command.Run, cancellationToken), cancellationToken);
        var experts = new List<PublishedRole>();
        foreach (var expert in model.Experts)
        {
            experts.Add(await CopyAsync(expert, cancellationToken));
        }

        model = model with { Experts = experts, Router = await CopyAsync(model.Router, cancellationToken) };

        // First writer wins: a publication that was cut short goes on with the manifest it wrote.
        // One that was damaged since is written anew.
        var name = BlobNames.ModelManifest(model.Name, model.Version);
        var condition = await IsReadableAsync(name, cancellationToken) ? WriteCondition.IfAbsent : WriteCondition.Any;
        await blobs.TryWriteJsonAsync(name, model, condition, cancellationToken);
        var published = await blobs.ReadAsync(name, cancellationToken) ?? throw new InvalidOperationException($"{name} vanished.");
        var current = new CurrentModel(model.Version, Convert.ToHexStringLower(SHA256.HashData(published.Bytes)));
        await blobs.TryWriteJsonAsync(BlobNames.ModelCurrent(model.Name), current, WriteCondition.Any, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private async Task<bool> IsReadableAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await blobs.ReadJsonAsync<ModelManifest>(name, cancellationToken);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    // Run retention must not eat a model: its weights are copies, named by their content.
    private async Task<PublishedRole> CopyAsync(PublishedRole role, CancellationToken cancellationToken)
    {
        if (role.Weights is null || role.Sha256 is null)
        {
            return role;
        }

        var target = BlobNames.Weights(role.Sha256);
        if (await publication.FindFaultAsync(target, role.Sha256, cancellationToken) is not null)
        {
            await blobs.TryWriteStreamAsync(
                target,
                async (stream, ct) =>
                {
                    await using var source = await blobs.OpenReadAsync(role.Weights, ct) ?? throw new CheckpointException($"{role.Weights} is missing.");
                    await HashedCopy.CopyAsync(source, stream, role.Sha256, role.Weights, ct);
                },
                WriteCondition.Any, // of equal content, or over a damaged one
                cancellationToken);
        }

        return role with { Weights = target };
    }
}
