using System.Security.Cryptography;
using System.Text.Json;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>What is exported is imported again to the bit, and a folder is replaced whole or not at all.</summary>
public class ModelExportTests
{
    private static CancellationToken Cancel => Importing.Cancel;

    [Theory]
    [InlineData(ExportFormat.Diffusers)]
    [InlineData(ExportFormat.Safetensors)]
    public async Task AClassConditionalRunComesBackAsItWas(ExportFormat format)
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var (folder, before, after) = await RoundTripAsync(tiny.Blobs, TinyRun.Name, format, Path.GetDirectoryName(tiny.SpecFile)!, new SampleRequest { Seeds = [1, 2, 3], Labels = [0, 1, -1], Steps = 2, Guidance = 2 });
        Assert.NotEmpty(after.ClusterRows);
        Assert.Equal(before.DataManifestSha256, after.DataManifestSha256);

        var card = await File.ReadAllTextAsync(Path.Combine(folder, "README.md"), Cancel);
        Assert.Contains("| experts/0 | 12 |", card, StringComparison.Ordinal);
        Assert.Contains("The router on ", card, StringComparison.Ordinal);
        Assert.Equal((await tiny.Blobs.ReadAsync(BlobNames.SampleGrid(TinyRun.Name), Cancel))!.Bytes.ToArray(), await File.ReadAllBytesAsync(Path.Combine(folder, "samples.png"), Cancel));
    }

    [Theory]
    [InlineData(ExportFormat.Diffusers)]
    [InlineData(ExportFormat.Safetensors, Traits = ["Category", "Long"])]
    public async Task ALatentRunComesBackAsItWas(ExportFormat format)
    {
        var spec = TinyFolder.DefaultSpec.Replace("image_size: 8, channels: 1", "image_size: 32, channels: 3", StringComparison.Ordinal).Replace("patch: 4", "patch: 2", StringComparison.Ordinal);
        using var tiny = new TinyRun($"{spec}\nlatent: {Importing.Vae}\n", rows: 80);
        await tiny.RunAsync();
        var (folder, before, after) = await RoundTripAsync(tiny.Blobs, TinyRun.Name, format, Path.GetDirectoryName(tiny.SpecFile)!, new SampleRequest { Seeds = [1, 2], Labels = [0, 1], Steps = 2 });
        Assert.Equal(before.Latent!.Sha256, after.Latent!.Sha256);
        var config = format == ExportFormat.Diffusers ? Json(folder, "vae", "config.json") : Json(folder, "model.json").GetProperty("networks").GetProperty("vae");
        Assert.Equal(("AutoencoderKL", 0.18215), (config.GetProperty("_class_name").GetString(), config.GetProperty("scaling_factor").GetDouble()));
    }

    [Theory]
    [InlineData(ExportFormat.Diffusers, "text: { encoder: learned, tokens: 5, width: 32 }")]
    [InlineData(ExportFormat.Safetensors, "text: { encoder: learned, tokens: 5, width: 32 }")]
    [InlineData(ExportFormat.Diffusers, "text: { encoder: clip, weights: clip, tokens: 9 }")]
    [InlineData(ExportFormat.Safetensors, "text: { encoder: clip, weights: clip, tokens: 9 }")]
    public async Task ARunOfCaptionsComesBackAsItWas(ExportFormat format, string text)
    {
        using var tiny = Captioned(text);
        await tiny.RunAsync();
        var (folder, before, after) = await RoundTripAsync(
            tiny.Blobs, TinyRun.Name, format, Path.GetDirectoryName(tiny.SpecFile)!, new SampleRequest { Seeds = [1, 1, 2], Steps = 2, Guidance = 2 }, ["bright on the left", null, "lit at the top"]);
        Assert.Equal((before.Text!.Shape, before.Text.Sha256), (after.Text!.Shape, after.Text.Sha256));
        if (format == ExportFormat.Diffusers && !before.Text.Shape.Learned)
        {
            Assert.Equal(64, Json(folder, "text_encoder", "config.json").GetProperty("hidden_size").GetInt32());
        }
    }

    /// <summary>Experts or router may be blind to captions or classes that the other is told.</summary>
    [Theory]
    [InlineData("model: {", "model: { class_condition: false,", null)]
    [InlineData("network: {", "network: { class_condition: false,", null)]
    [InlineData("model: {", "model: { text_condition: false,", "text: { encoder: clip, weights: clip, tokens: 9 }")]
    [InlineData("model: {", "model: { text_condition: false,", "text: { encoder: learned, tokens: 5, width: 32 }")]
    [InlineData("network: {", "network: { text_condition: false,", "text: { encoder: clip, weights: clip, tokens: 9 }")]
    public async Task AModelOfWhichOneNetworkIsBlindComesBackAsItWas(string was, string now, string? text)
    {
        using var tiny = text is null ? new TinyRun(TinyFolder.DefaultSpec.Replace(was, now, StringComparison.Ordinal)) : Captioned(text, was, now);
        await tiny.RunAsync();
        var request = new SampleRequest { Seeds = [1, 2], Steps = 2, Labels = text is null && was.StartsWith("network", StringComparison.Ordinal) ? [0, 1] : null }; // blind experts are asked for no class
        await RoundTripAsync(tiny.Blobs, TinyRun.Name, ExportFormat.Diffusers, Path.GetDirectoryName(tiny.SpecFile)!, request, text is null ? null : ["bright on the left", null]);
    }

    [Theory]
    [InlineData(ExportFormat.Diffusers)]
    [InlineData(ExportFormat.Safetensors)]
    public async Task AnImportedModelOfMixedObjectivesComesBackAsItWas(ExportFormat format)
    {
        using var importing = new Importing();
        ModelImportTests.WriteEnsemble(importing);
        await importing.ImportAsync(new ImportRequest { Path = importing.At(), Name = "mixed" });
        var (folder, before, after) = await RoundTripAsync(importing.Blobs, "mixed", format, importing.At(), new SampleRequest { Seeds = [1, 2, 3], Labels = [0, 1, 2], Steps = 3, Guidance = 2 });
        Assert.Equal(before.Experts.Select(expert => expert.Network), after.Experts.Select(expert => expert.Network));
        Assert.Equal(before.Router.Network, after.Router.Network);
        Assert.Contains("seeds 1000 to 1005", await File.ReadAllTextAsync(Path.Combine(folder, "README.md"), Cancel), StringComparison.Ordinal);
    }

    /// <summary>A reader of safetensors alone finds the names of DiT, float32, and the bytes that are published.</summary>
    [Fact]
    public async Task ANetworksFileIsThePublishedOne()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var root = Path.GetDirectoryName(tiny.SpecFile)!;
        var exported = await ExportAsync(tiny.Blobs, new ExportRequest(TinyRun.Name, ExportFormat.Diffusers, Path.Combine(root, "out")));
        var file = Path.Combine(exported.Folder, "expert_1", "diffusion_pytorch_model.safetensors");
        Assert.Equal(exported.Manifest.Experts[1].Sha256, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file, Cancel))));
        await using var stream = File.OpenRead(file);
        var header = SafetensorsHeader.Parse(stream);
        Assert.All(header.Tensors, tensor => Assert.Equal("F32", tensor.DType));
        Assert.Equal([96, 32], header.Tensors.Single(tensor => tensor.Name == "blocks.0.attn.qkv.weight").Shape);
        Assert.Equal("FlowMatchEulerDiscreteScheduler", Json(exported.Folder, "scheduler", "scheduler_config.json").GetProperty("_class_name").GetString());
    }

    [Fact]
    public async Task AFolderIsReplacedWholeOrStaysAsItIs()
    {
        using var importing = new Importing();
        ModelImportTests.WriteEnsemble(importing);
        var imported = await importing.ImportAsync(new ImportRequest { Path = importing.At(), Name = "mixed" });
        var request = new ExportRequest("mixed", ExportFormat.Diffusers, importing.At("shelf", "out")) { DrawSamples = false };

        Directory.CreateDirectory(importing.At("shelf", "out"));
        await File.WriteAllTextAsync(importing.At("shelf", "out", "notes.txt"), "mine", Cancel);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => ExportAsync(importing.Blobs, request));
        Assert.Contains("holds something that is no export of a model: it stays as it is.", error.Message, StringComparison.Ordinal);
        Assert.Equal([importing.At("shelf", "out")], Directory.GetFileSystemEntries(importing.At("shelf")));
        File.Delete(importing.At("shelf", "out", "notes.txt"));

        // What a killed export left beside it is cleared away.
        Directory.CreateDirectory(importing.At("shelf", ".out.ddm-export", "expert_0"));
        await File.WriteAllTextAsync(importing.At("shelf", ".out.ddm-export", "expert_0", "half"), "", Cancel);
        await ExportAsync(importing.Blobs, request);
        Assert.False(File.Exists(importing.At("shelf", "out", "expert_0", "half")));
        Assert.False(File.Exists(importing.At("shelf", "out", "samples.png")));

        // An export is replaced by another, of whichever format.
        await ExportAsync(importing.Blobs, request with { Format = ExportFormat.Safetensors });
        Assert.False(File.Exists(importing.At("shelf", "out", "model_index.json")));
        Assert.True(File.Exists(importing.At("shelf", "out", "expert_2.safetensors")));

        // A damaged blob ends an export without a trace.
        await importing.Blobs.TryWriteAsync(imported.Manifest.Experts[2].Weights!, new byte[10], WriteCondition.Any, Cancel);
        await Assert.ThrowsAsync<CheckpointException>(() => ExportAsync(importing.Blobs, request));
        Assert.True(File.Exists(importing.At("shelf", "out", "expert_2.safetensors")));
        Assert.Equal([importing.At("shelf", "out")], Directory.GetFileSystemEntries(importing.At("shelf")));
    }

    [Theory]
    [InlineData("\"routing\": \"ancestral\"", "\"routing\": \"dice\"", "dice")]
    [InlineData("\"cat\",", "", "class_names has 2 names; the networks have 3 classes")]
    [InlineData("\"format\": 1", "\"format\": 9", "has format 9; this program reads up to 1. Upgrade it.")]
    [InlineData("\"shift\": 1", "\"shift\": 0", "a shift above 0")]
    [InlineData("\"cluster_rows\": []", "\"cluster_rows\": [[1, 2, 3]]", "cluster_rows must have 3 lists of at least 3 counts, or none")]
    [InlineData("\"roles\":", "\"rules\":", "is not what an export writes")]
    public async Task FactsThatDoNotFitAreRefused(string was, string now, string message)
    {
        using var importing = new Importing();
        ModelImportTests.WriteEnsemble(importing);
        await importing.ImportAsync(new ImportRequest { Path = importing.At(), Name = "mixed" });
        var exported = await ExportAsync(importing.Blobs, new ExportRequest("mixed", ExportFormat.Diffusers, importing.At("out")) { DrawSamples = false });
        var index = Path.Combine(exported.Folder, "model_index.json");
        var text = await File.ReadAllTextAsync(index, Cancel);
        Assert.Contains(was, text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(index, text.Replace(was, now, StringComparison.Ordinal), Cancel);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => importing.ImportAsync(new ImportRequest { Path = exported.Folder, Name = "again" }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModelWithoutOneOfItsExpertsIsRefused()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        await tiny.Blobs.DeleteAsync(BlobNames.ModelCurrent(TinyRun.Name), Cancel); // the run as it stands
        await foreach (var blob in tiny.Blobs.ListAsync(BlobNames.Role(TinyRun.Name, Role.Expert(1)), Cancel))
        {
            await tiny.Blobs.DeleteAsync(blob.Name, Cancel);
        }

        var error = await Assert.ThrowsAsync<UserErrorException>(() => ExportAsync(tiny.Blobs, new ExportRequest(TinyRun.Name, ExportFormat.Diffusers, Path.Combine(tiny.Home, "out"))));
        Assert.Contains("experts/1 of 'tiny' has no weights yet: an export without it would be another model.", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(tiny.Home, "out")));
    }

    private static async Task<(string Folder, ModelManifest Before, ModelManifest After)> RoundTripAsync(
        IBlobStore blobs, string name, ExportFormat format, string root, SampleRequest request, IReadOnlyList<string?>? prompts = null)
    {
        var exported = await ExportAsync(blobs, new ExportRequest(name, format, Path.Combine(root, "exported")));
        Assert.True(File.Exists(Path.Combine(exported.Folder, "samples.png")));

        using var importing = new Importing();
        var imported = (await importing.ImportAsync(new ImportRequest { Path = exported.Folder, Name = "again" })).Manifest;
        var before = exported.Manifest;
        Assert.Equal(Weights(before), Weights(imported));
        Assert.Equal(before.ClassNames, imported.ClassNames);
        Assert.Equal(before.ClusterRows, imported.ClusterRows);
        Assert.Equal((before.Sampling, before.Routing, before.RoutingReason), (imported.Sampling, imported.Routing, imported.RoutingReason));
        Assert.Equal((before.ImageSize, before.Channels), (imported.ImageSize, imported.Channels));
        Assert.Equal(Steps(before), Steps(imported));

        using var device = new DeviceThread();
        var asked = request with { Strategy = RoutingStrategy.Parse(before.Routing) };
        Assert.Equal(await DrawAsync(LoaderOf(blobs, device), device, name, asked, prompts), await DrawAsync(importing.Loader, importing.Device, "again", asked, prompts));
        return (exported.Folder, before, imported);
    }

    private static async Task<string[]> DrawAsync(ModelLoader loader, DeviceThread device, string name, SampleRequest request, IReadOnlyList<string?>? prompts)
    {
        using var model = await loader.OpenAsync(name, Cancel);
        return await device.RunAsync(() =>
        {
            using var text = prompts is null ? null : model.Captions!.Encode(prompts);
            using var result = model.Sampler().Sample(request with { Text = text }, null, Cancel);
            using var pictures = result.Images.cpu().contiguous();
            return request.Seeds.Select((_, i) =>
            {
                using var picture = pictures[i];
                using var whole = picture.contiguous();
                return Convert.ToHexString(SHA256.HashData(whole.bytes));
            }).ToArray();
        });
    }

    private static IEnumerable<string?> Weights(ModelManifest manifest) => manifest.Experts.Append(manifest.Router).Select(role => role.Sha256);

    private static IEnumerable<(string, long, long)> Steps(ModelManifest manifest) => manifest.Experts.Append(manifest.Router).Select(role => (role.Role, role.Step, role.TargetSteps));

    private static ModelCatalog CatalogOf(IBlobStore blobs)
        => new(blobs, new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance), new RunRepository(blobs), TimeProvider.System);

    private static ModelLoader LoaderOf(IBlobStore blobs, DeviceThread device) => new(blobs, CatalogOf(blobs), device);

    private static async Task<ExportedModel> ExportAsync(IBlobStore blobs, ExportRequest request)
    {
        using var device = new DeviceThread();
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        var export = new ModelExport(blobs, CatalogOf(blobs), LoaderOf(blobs, device), checkpoints, new RunRepository(blobs), device);
        return await export.ExportAsync(request, _ => { }, Cancel);
    }

    private static JsonElement Json(params string[] path) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path))).RootElement;

    private static TinyRun Captioned(string text, string was = "model: {", string now = "model: {")
    {
        var tiny = new TinyRun(TinyFolder.DefaultSpec.Replace("source: pictures", "source: captioned", StringComparison.Ordinal).Replace(was, now, StringComparison.Ordinal) + "\n" + text + "\n");
        var root = Path.GetDirectoryName(tiny.SpecFile)!;
        var folder = Path.Combine(root, "captioned");
        Directory.CreateDirectory(folder);
        using var lines = new StreamWriter(Path.Combine(folder, "metadata.jsonl"));
        for (var row = 0; row < TinyFolder.Rows; row++)
        {
            var name = FormattableString.Invariant($"{row}.png");
            File.WriteAllBytes(Path.Combine(folder, name), ImageCodec.EncodePng(TinyFolder.Picture(row), 1, TinyFolder.Side, TinyFolder.Side));
            lines.WriteLine(JsonSerializer.Serialize(new { file_name = name, text = (row % 4 < 2 ? "bright " : "lit ") + (row % 2 == 0 ? "on the left" : "at the top") }));
        }

        if (text.Contains("weights: clip", StringComparison.Ordinal))
        {
            SmallClip.Write(Directory.CreateDirectory(Path.Combine(root, "clip")).FullName);
        }

        return tiny;
    }
}
