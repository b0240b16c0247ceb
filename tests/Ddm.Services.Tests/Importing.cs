using System.Text.Json;
using Ddm.Diffusion;
using Ddm.Encoders;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace Ddm.Services.Tests;

/// <summary>A folder of files to import and a home to import them to.</summary>
internal sealed class Importing : IDisposable
{
    public static readonly StatedNetwork SiT = new() { Prediction = Prediction.Velocity, Direction = TimeDirection.NoiseToData, TimeScale = 1 };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("ddm-import-");

    public Importing()
    {
        Blobs = new FileBlobStore(Home);
        var checkpoints = new CheckpointStore(Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        Catalog = new ModelCatalog(Blobs, checkpoints, new RunRepository(Blobs), TimeProvider.System);
        Loader = new ModelLoader(Blobs, Catalog, Device);
    }

    public static string Vae => Path.Combine(FixtureFolders.InRepository(), "vae-l1");

    public string Home => Path.Combine(folder.FullName, "home");

    public FileBlobStore Blobs { get; }

    public DeviceThread Device { get; } = new();

    public ModelCatalog Catalog { get; }

    public ModelLoader Loader { get; }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public string At(params string[] path) => Path.Combine([folder.FullName, .. path]);

    public Task<ImportedModel> ImportAsync(ImportRequest request, Func<IDisposable>? enter = null)
        => new ModelImport(Blobs, new Publication(Blobs, Catalog), Device, TimeProvider.System, enter ?? (() => StartGate.Enter(Home))).ImportAsync(request, Cancel);

    /// <summary>Names of all blobs.</summary>
    public async Task<string[]> BlobNamesAsync() => Directory.Exists(Home) ? [.. (await Blobs.ListAsync("", Cancel).ToListAsync(Cancel)).Select(blob => blob.Name)] : [];

    /// <summary>Writes a network with random weights as a folder of an ensemble, and gives it back.</summary>
    public T Write<T>(string name, T network, long seed, object config)
        where T : TransformerTrunk
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed, CPU);
        foreach (var (_, parameter) in network.TrainableParameters())
        {
            parameter.copy_(randn(parameter.shape, generator: generator) * 0.1);
        }

        Directory.CreateDirectory(At(name));
        using var stream = File.Create(At(name, "diffusion_pytorch_model.safetensors"));
        TensorFile.Save(stream, [.. network.TrainableParameters().Select(p => (p.Name, (Tensor)p.Parameter))]);
        WriteJson(Path.Combine(name, "config.json"), config);
        return network;
    }

    /// <summary>Copies a folder with all that is in it.</summary>
    public void CopyFolder(string source, string name)
    {
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(At(name), Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    public void WriteJson(string name, object json) => File.WriteAllText(At(name), JsonSerializer.Serialize(json));

    /// <summary>Copies a fixture's network.</summary>
    public string CopyNetwork(string fixture, string name)
    {
        Directory.CreateDirectory(At(name));
        foreach (var file in new[] { "model.safetensors", "config.json" })
        {
            File.Copy(Path.Combine(fixture, file), At(name, file));
        }

        return At(name);
    }

    public void Dispose()
    {
        Device.Dispose();
        folder.Delete(recursive: true);
    }
}
