using System.Net;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

public class SourceRootTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc")]
    [InlineData("pictures/../../outside")]
    [InlineData("link-to-outside")]
    [InlineData("holds-a-link")]
    [InlineData("holds-a-deep-link")]
    [InlineData("circle")]
    [InlineData("{..,pictures}/outside/a.tar")]
    public async Task ASourceThatLeadsOutIsRefusedAndTellsNothingOfWhatIsThere(string source)
    {
        using var tree = new Tree();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tree.Tiny.Home), tree.Root, cancellationToken: Token);

        using var answer = await server.Client.SubmitAsync(tree.Spec(source));

        var detail = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.StartsWith("data.source '", detail, StringComparison.Ordinal);
        Assert.Contains("Ddm:SourceRoots", detail, StringComparison.Ordinal);
        Assert.DoesNotContain(tree.Tiny.Folder, detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pictures")]
    [InlineData("./pictures/../pictures")]
    [InlineData("link-inside")]
    public async Task ASourceInsideIsTaken(string source)
    {
        using var tree = new Tree();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tree.Tiny.Home), tree.Root, cancellationToken: Token);

        using var answer = await server.Client.SubmitAsync(tree.Spec(source));

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    [Theory]
    [InlineData("features: { encoder: dinov2, weights: ../outside }", "features.weights")]
    [InlineData("latent: { vae: /etc/passwd, channels: 4, factor: 8 }", "latent.vae")]
    [InlineData("init: ../outside/seed.safetensors", "init.checkpoint")]
    public void WeightsThatLeadOutAreRefusedByTheirKey(string line, string key)
    {
        using var tree = new Tree();
        var reading = RunSpecReader.Read(
            tree.Spec("pictures").Replace("image_size: 8", "image_size: 64", StringComparison.Ordinal).Replace("seed: 7", line, StringComparison.Ordinal), "spec");

        var error = Assert.Throws<UserErrorException>(() => new SourceRoots([tree.Root]).Require(reading, tree.Root));

        Assert.StartsWith(key + " ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherRootMustBeOpenTooAndWithoutRootsNothingIs()
    {
        using var tree = new Tree();
        await using (var server = await ApiServer.StartAsync(new FileBlobStore(tree.Tiny.Home), tree.Root, cancellationToken: Token))
        {
            using var outside = await server.Client.PostAsync(
                "/runs?root=" + Uri.EscapeDataString(tree.Tiny.Folder), new StringContent(tree.Spec("outside"), null, "application/yaml"), Token);
            Assert.StartsWith("root '", await outside.ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
        }

        await using var closed = await ApiServer.StartAsync(new FileBlobStore(tree.Tiny.Home), null, cancellationToken: Token);
        using var refused = await closed.Client.SubmitAsync(tree.Spec("pictures"));
        Assert.Contains("Ddm:SourceRoots", await refused.ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("relative")]
    [InlineData("/")]
    [InlineData("/nowhere/at/all")]
    public async Task ASettingThatIsNoFolderStopsTheStart(string root)
    {
        using var tiny = new TinyFolder();

        var error = await Assert.ThrowsAsync<UserErrorException>(() => ApiServer.StartAsync(new FileBlobStore(tiny.Home), root, cancellationToken: Token));

        Assert.StartsWith("Ddm:SourceRoots: ", error.Message, StringComparison.Ordinal);
    }

    /// <summary>An open folder with pictures and links, and a folder beside it that is not open.</summary>
    private sealed class Tree : IDisposable
    {
        public Tree()
        {
            Root = Directory.CreateDirectory(Path.Combine(Tiny.Folder, "open")).FullName;
            Directory.Move(Tiny.Pictures, Path.Combine(Root, "pictures"));
            var outside = Directory.CreateDirectory(Path.Combine(Tiny.Folder, "outside")).FullName;
            File.WriteAllText(Path.Combine(outside, "secret.png"), "secret");
            Directory.CreateSymbolicLink(Path.Combine(Root, "link-to-outside"), outside);
            Directory.CreateSymbolicLink(Path.Combine(Root, "link-inside"), "pictures");
            Directory.CreateSymbolicLink(Path.Combine(Root, "circle"), "circle");
            Directory.CreateDirectory(Path.Combine(Root, "holds-a-link", "a"));
            File.CreateSymbolicLink(Path.Combine(Root, "holds-a-link", "a", "x.png"), "../../../outside/secret.png");
            Directory.CreateDirectory(Path.Combine(Root, "holds-a-deep-link"));
            Directory.CreateSymbolicLink(Path.Combine(Root, "holds-a-deep-link", "next"), "../holds-a-link");
        }

        public TinyFolder Tiny { get; } = new();

        public string Root { get; }

        public string Spec(string source) => Tiny.SpecText.Replace("source: pictures", $"source: \"{source}\"", StringComparison.Ordinal);

        public void Dispose() => Tiny.Dispose();
    }
}
