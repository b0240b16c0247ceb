using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;

namespace Ddm.Infrastructure.Tests;

/// <summary>The image for processors, built upon an empty base: its own layer and its settings are what they are upon any.</summary>
public sealed class ImageBuildTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Category", "Long")]
    public async Task ItHoldsEveryServiceForOneSystemAndStartsWhatItIsTold()
    {
        using var registry = new BaseImageRegistry();
        var folder = Directory.CreateTempSubdirectory("ddm-image-").FullName;
        try
        {
            var archive = Path.Combine(folder, "image.tar");
            var (code, said, errors) = await Tool.RunAsync(
                "dotnet",
                ["publish", "src/services/Ddm.Image", "-c", "Release", "-t:PublishContainer", "-p:ImageTag=test", $"-p:ContainerBaseImage={registry.Address}/aspnet:10.0-noble", $"-p:ContainerArchiveOutputPath={archive}", "--nologo", "-v", "quiet"]);
            Assert.True(code == 0, said + errors);
            Unpack(archive, Path.Combine(folder, "image"));
            using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "image", "manifest.json"), TestContext.Current.CancellationToken));
            var image = manifest.RootElement[0];
            Assert.Equal("ddm:test-cpu", image.GetProperty("RepoTags")[0].GetString());

            using var config = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "image", image.GetProperty("Config").GetString()!), TestContext.Current.CancellationToken));
            var runs = config.RootElement.GetProperty("config");
            Assert.False(runs.TryGetProperty("Entrypoint", out var entry) && entry.GetArrayLength() > 0, "an entry point would come before the command that a container is given");
            Assert.Equal(["dotnet", "/app/Ddm.Image.dll"], runs.GetProperty("Cmd").EnumerateArray().Select(word => word.GetString()));
            Assert.Equal(("app", "/app/"), (runs.GetProperty("User").GetString(), runs.GetProperty("WorkingDir").GetString()));

            var layer = image.GetProperty("Layers").EnumerateArray().Select(name => Path.Combine(folder, "image", name.GetString()!)).MaxBy(file => new FileInfo(file).Length)!;
            Unpack(layer, Path.Combine(folder, "layer"));
            var app = Path.Combine(folder, "layer", "app");
            output.WriteLine($"{new FileInfo(layer).Length / 1e6:F0} MB, unpacked {Directory.EnumerateFiles(app, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) / 1e6:F0} MB");
            Assert.All(
                Directory.EnumerateDirectories(Repository.PathOf("src/services")).Where(service => File.Exists(Path.Combine(service, "Program.cs"))),
                service => FindsItsLibraries(app, Path.GetFileName(service)));
            Assert.Equal(["linux-x64"], Directory.EnumerateDirectories(Path.Combine(app, "runtimes")).Select(Path.GetFileName));

            // by itself it says which services it has
            (code, said, errors) = await Tool.RunAsync("dotnet", [Path.Combine(app, "Ddm.Image.dll")]);
            Assert.Equal(2, code);
            Assert.Contains("Ddm.ExpertTrainer", errors, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // By its list of dependencies: without one, native libraries below runtimes/ are not found.
    private static void FindsItsLibraries(string app, string service)
    {
        Assert.True(File.Exists(Path.Combine(app, service + ".dll")), service);
        using var dependencies = JsonDocument.Parse(File.ReadAllText(Path.Combine(app, service + ".deps.json")));
        string[] native =
        [
            .. dependencies.RootElement.GetProperty("targets").EnumerateObject().SelectMany(target => target.Value.EnumerateObject())
                .Where(library => library.Value.TryGetProperty("runtimeTargets", out _)).SelectMany(library => library.Value.GetProperty("runtimeTargets").EnumerateObject())
                .Where(asset => asset.Value.GetProperty("rid").GetString() == "linux-x64" && asset.Value.GetProperty("assetType").GetString() == "native").Select(asset => asset.Name),
        ];
        Assert.Contains(native, name => name.EndsWith("libtorch_cpu.so", StringComparison.Ordinal));
        Assert.Contains(native, name => name.EndsWith("libvips.so.42", StringComparison.Ordinal));
        Assert.All(native, name => Assert.True(File.Exists(Path.Combine(app, name)), name));
    }

    private static void Unpack(string file, string folder)
    {
        Directory.CreateDirectory(folder);
        using var bytes = File.OpenRead(file);
        var packed = bytes.ReadByte() == 0x1F && bytes.ReadByte() == 0x8B;
        bytes.Position = 0;
        using Stream tar = packed ? new GZipStream(bytes, CompressionMode.Decompress) : bytes;
        TarFile.ExtractToDirectory(tar, folder, overwriteFiles: true);
    }
}
