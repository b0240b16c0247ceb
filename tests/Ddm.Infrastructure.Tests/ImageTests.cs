using System.Text.Json;

namespace Ddm.Infrastructure.Tests;

/// <summary>How the two images would be built, as MSBuild sees it: building them needs a registry to take the base from.</summary>
public sealed class ImageTests
{
    private const string Project = "src/services/Ddm.Image/Ddm.Image.csproj";

    [Theory]
    [InlineData("cpu", false)]
    [InlineData("cuda", true)]
    public async Task EachBackendHasAnImageThatRunsUnprivileged(string backend, bool cuda)
    {
        var properties = "-getProperty:ContainerRepository,ContainerImageTag,ContainerBaseImage,ContainerUser,ContainerRuntimeIdentifier,TorchBackend";
        var (code, output, errors) = await Tool.RunAsync(
            "dotnet", ["msbuild", Project, "-nologo", $"-p:TorchBackend={backend}", "-p:ImageTag=abc", properties, "-getItem:ContainerEnvironmentVariable,ContainerPort,ProjectReference"]);
        Assert.True(code == 0, output + errors);
        using var found = JsonDocument.Parse(output);
        var said = found.RootElement.GetProperty("Properties");
        Assert.Equal(("ddm", $"abc-{backend}", "app", "linux-x64", backend), (Text(said, "ContainerRepository"), Text(said, "ContainerImageTag"), Text(said, "ContainerUser"), Text(said, "ContainerRuntimeIdentifier"), Text(said, "TorchBackend")));
        Assert.EndsWith(":10.0-noble", Text(said, "ContainerBaseImage"), StringComparison.Ordinal);

        var variables = Items(found, "ContainerEnvironmentVariable").ToDictionary(item => Text(item, "Identity"), item => Text(item, "Value"));
        Assert.Equal("0", variables["DOTNET_EnableDiagnostics"]);
        Assert.Equal(cuda, variables.ContainsKey("NVIDIA_VISIBLE_DEVICES"));
        Assert.Equal("8080", Text(Items(found, "ContainerPort").Single(), "Identity"));

        // every service that infra/ starts from it is in it
        var hosts = Directory.EnumerateDirectories(Repository.PathOf("src/services")).Where(folder => File.Exists(Path.Combine(folder, "Program.cs"))).Select(Path.GetFileName).Except(["Ddm.Image"]);
        Assert.Equal(hosts.Order(), Items(found, "ProjectReference").Select(item => Text(item, "Filename")).Order());
    }

    [Fact]
    public void AzdAndKubernetesUseTheTagsThatAreBuilt()
    {
        var script = Repository.Read("infra/images.sh");
        Assert.Contains(Project[..Project.LastIndexOf('/')], script, StringComparison.Ordinal);
        Assert.Contains("for backend in cpu cuda", script, StringComparison.Ordinal);
        foreach (var name in (string[])["cpu", "cuda"])
        {
            Assert.Contains(Manifests.List(Manifests.Kustomization, "images"), image => Manifests.Text(image, "newTag") == $"dev-{name}");
        }
    }

    private static string Text(JsonElement element, string key) => element.GetProperty(key).GetString()!;

    private static JsonElement.ArrayEnumerator Items(JsonDocument found, string kind) => found.RootElement.GetProperty("Items").GetProperty(kind).EnumerateArray();
}
