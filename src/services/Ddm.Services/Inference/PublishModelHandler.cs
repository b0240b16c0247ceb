using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Publishes a finished run: weights by content, then the version's manifest, then the pointer to it.</summary>
public sealed class PublishModelHandler(IBlobStore blobs, RunRepository runs, ModelCatalog catalog, LostSteps lost, Publication publication, ICommandSender sender) : ICommandHandler<PublishModel>
{
    /// <inheritdoc/>
    public async Task HandleAsync(PublishModel command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        if (document.Stage != RunStage.Publish)
        {
            return; // a message that comes late
        }

        var model = await catalog.OfRunAsync(document, cancellationToken);
        if (await lost.SendBackAsync(document, [.. model.Experts, model.Router], cancellationToken))
        {
            await sender.AdvancedAsync(command.Run, cancellationToken);
            return;
        }

        var experts = new List<PublishedRole>();
        foreach (var expert in model.Experts)
        {
            experts.Add(await CopyAsync(expert, cancellationToken));
        }

        var latent = model.Latent is { } own ? own with { Weights = await CopyAsync(own.Weights, own.Sha256, cancellationToken) } : null;
        var text = model.Text is { } captions ? captions with { Weights = await CopyAsync(captions.Weights, captions.Sha256, cancellationToken) } : null;
        model = model with { Text = text, Experts = experts, Router = await CopyAsync(model.Router, cancellationToken), Latent = latent };
        await publication.PublishAsync(model, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private async Task<PublishedRole> CopyAsync(PublishedRole role, CancellationToken cancellationToken)
        => role is { Weights: { } weights, Sha256: { } sha256 } ? role with { Weights = await CopyAsync(weights, sha256, cancellationToken) } : role;

    // Run retention must not eat a model: its weights are copies, named by their content.
    private Task<string> CopyAsync(string weights, string sha256, CancellationToken cancellationToken) => publication.WriteWeightsAsync(
        sha256,
        async (stream, ct) =>
        {
            await using var source = await blobs.OpenReadAsync(weights, ct) ?? throw new CheckpointException($"{weights} is missing.");
            await HashedCopy.CopyAsync(source, stream, sha256, weights, ct);
        },
        cancellationToken);
}
