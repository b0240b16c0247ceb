using System.Globalization;
using System.Text.Json.Nodes;
using Ddm.Diffusion;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>Writes a model as a folder that others read, and <see cref="ModelImport"/> too: weights as they are, everything else as JSON, and a model card.</summary>
/// <param name="blobs">Where models and runs are.</param>
/// <param name="catalog">Finds the model.</param>
/// <param name="loader">Loads it, to draw.</param>
/// <param name="checkpoints">Of runs.</param>
/// <param name="runs">The runs.</param>
/// <param name="device">The device thread.</param>
public sealed class ModelExport(IBlobStore blobs, ModelCatalog catalog, ModelLoader loader, CheckpointStore checkpoints, RunRepository runs, DeviceThread device)
{
    private const string DiffusersWeights = "diffusion_pytorch_model.safetensors";

    private readonly WeightsCopy copy = new(blobs);

    /// <summary>Exports a model.</summary>
    /// <param name="request">What, and where to.</param>
    /// <param name="progress">Told what is being written.</param>
    /// <param name="cancellationToken">Stops it; the folder stays as it was.</param>
    /// <exception cref="UserErrorException">There is no such model, an expert of it is missing, the folder holds something else, or the disk is full.</exception>
    /// <exception cref="CheckpointException">A blob is missing or damaged.</exception>
    public async Task<ExportedModel> ExportAsync(ExportRequest request, Action<string> progress, CancellationToken cancellationToken)
    {
        var model = await catalog.FindAsync(request.Model, cancellationToken);
        RequireWhole(model);
        var target = Path.GetFullPath(request.Folder);
        try
        {
            using var folder = ExportFolder.Begin(request.Folder);
            await WriteAsync(model, request, folder.Work, progress, cancellationToken);
            folder.Finish();
            var files = new DirectoryInfo(folder.Target).GetFiles("*", SearchOption.AllDirectories);
            return new ExportedModel(folder.Target, model, files.Length, files.Sum(file => file.Length));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException
            && WriteFault.ForPeople(error, DiskOf(target), target, "--out FOLDER", "it begins anew") is { } fault)
        {
            throw fault;
        }
    }

    private static void RequireWhole(ModelManifest model)
    {
        if (model.Experts.FirstOrDefault(expert => expert.Weights is null) is { } missing)
        {
            throw new UserErrorException($"{missing.Role} of '{model.Name}' has no weights yet: an export without it would be another model. Let the run go on until every expert has committed "
                + $"('ddm status {model.Name}' shows them), then export again.");
        }
    }

    // The nearest folder above that is there.
    private static string DiskOf(string target)
    {
        var folder = target;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
        {
            folder = parent;
        }

        return folder;
    }

    private async Task WriteAsync(ModelManifest model, ExportRequest request, string folder, Action<string> progress, CancellationToken cancellationToken)
    {
        var parts = await PartsAsync(model, cancellationToken);
        foreach (var part in parts)
        {
            progress(part.Name);
            await WriteAsync(part, request.Format, folder, cancellationToken);
        }

        await ExportIndex.WriteAsync(
            Path.Combine(folder, ExportFormats.Index(request.Format)), ExportIndex.Of(model, request.Format == ExportFormat.Diffusers ? null : parts), cancellationToken);
        if (request.Format == ExportFormat.Diffusers)
        {
            Directory.CreateDirectory(Path.Combine(folder, "scheduler"));
            await ExportIndex.WriteAsync(Path.Combine(folder, "scheduler", "scheduler_config.json"), ExportIndex.Scheduler(model), cancellationToken);
        }

        progress("model card");
        var training = await TrainingRecord.ReadAsync(blobs, checkpoints, runs, model, cancellationToken);
        var samples = await SamplesAsync(model, training, request.DrawSamples, progress, cancellationToken);
        if (samples is { } grid)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "samples.png"), grid.Png, cancellationToken);
        }

        var card = new ModelCard(model, request.Format, parts, training, samples?.Caption);
        await File.WriteAllTextAsync(Path.Combine(folder, "README.md"), card.Write(), cancellationToken);
    }

    private async Task<IReadOnlyList<ExportPart>> PartsAsync(ModelManifest model, CancellationToken cancellationToken)
    {
        var parts = model.Experts.Select((expert, k) => new ExportPart(
            string.Create(CultureInfo.InvariantCulture, $"expert_{k}"), ExportPartKind.Network, DiffusersWeights, expert.Weights!, expert.Sha256!,
            NetworkFacts.OfExpert(k, ModelLoader.Shape(model, expert, model.Expert), expert.Network?.Parametrization ?? Parametrization.Own))).ToList();
        if (model.Router is { Weights: { } router, Sha256: { } sha256 })
        {
            parts.Add(new ExportPart(
                "router", ExportPartKind.Network, DiffusersWeights, router, sha256, NetworkFacts.OfRouter(ModelLoader.Shape(model, model.Router, model.RouterNetwork), model.Experts.Count)));
        }

        if (model.Latent is { } latent)
        {
            parts.Add(new ExportPart("vae", ExportPartKind.Autoencoder, DiffusersWeights, latent.Weights, latent.Sha256, await ConfigAsync(latent, cancellationToken)));
        }

        if (model.Text is { } text)
        {
            parts.Add(text.Shape.Learned
                ? new ExportPart("tokenizer", ExportPartKind.Vocabulary, "vocabulary.safetensors", text.Weights, text.Sha256, null)
                : new ExportPart("text_encoder", ExportPartKind.TextEncoder, "model.safetensors", text.Weights, text.Sha256, CompanionFacts.OfClip(await copy.HeaderAsync(text.Weights, cancellationToken))));
        }

        return parts;
    }

    private async Task<JsonObject> ConfigAsync(PublishedLatent latent, CancellationToken cancellationToken)
    {
        var header = await copy.HeaderAsync(latent.Weights, cancellationToken);
        await using var source = await blobs.OpenReadAsync(latent.Weights, cancellationToken) ?? throw new CheckpointException($"{latent.Weights} is missing.");
        return await device.RunAsync(() =>
        {
            using var bundle = TensorFile.Load(source);
            using var codec = LatentCodec.Open(latent.Weights, bundle);
            return CompanionFacts.OfAutoencoder(header, codec.Config, codec.Scale, latent.Size);
        });
    }

    // A network's file alone says what it is by its header where no config.json can lie beside it. Those of companions have the config they came with in their headers already, and
    // keep it, so that they are imported as they were; transformers asks for a format besides.
    private Task WriteAsync(ExportPart part, ExportFormat format, string folder, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, ExportFormats.Weights(format, part));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        (string, string)? text = part.Kind switch
        {
            ExportPartKind.Network => format == ExportFormat.Safetensors ? (WeightFile.ConfigKey, part.Config!.ToJsonString()) : null,
            ExportPartKind.Vocabulary => null,
            _ => ("format", "pt"),
        };
        return Task.WhenAll(
            copy.WriteAsync(part.Blob, part.Sha256, file, text, cancellationToken),
            format == ExportFormat.Diffusers && part.Config is { } config
                ? ExportIndex.WriteAsync(Path.Combine(Path.GetDirectoryName(file)!, "config.json"), config, cancellationToken) : Task.CompletedTask);
    }

    private async Task<(byte[] Png, string Caption)?> SamplesAsync(ModelManifest model, TrainingRecord? training, bool draw, Action<string> progress, CancellationToken cancellationToken)
    {
        if (training is not null && await blobs.ReadAsync(BlobNames.SampleGrid(model.Name), cancellationToken) is { } stored)
        {
            return (stored.Bytes.ToArray(), "Drawn by the run's evaluation with fixed seeds, by the model's default routing.");
        }

        if (!draw)
        {
            return null;
        }

        progress("samples");
        using var loaded = await loader.OpenAsync(model, cancellationToken);
        var grid = await device.RunAsync(() => SampleGrids.DrawFew(loaded, cancellationToken));
        return (grid.Png.ToArray(), $"Drawn for this card with seeds {grid.Seeds}, by {grid.Title} routing.");
    }
}
