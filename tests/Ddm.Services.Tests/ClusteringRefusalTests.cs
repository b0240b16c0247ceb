using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Tests;
using TorchSharp;

namespace Ddm.Services.Tests;

/// <summary>Data that cannot be clustered: the run says why in one sentence, keeps what it has, and trains nothing.</summary>
public class ClusteringRefusalTests
{
    [Fact]
    public async Task FewerImagesThanExperts()
    {
        using var tiny = new TinyRun(TinyFolder.DefaultSpec.Replace("{ experts: 2, fine: 4 }", "{ experts: 250 }", StringComparison.Ordinal));
        var failure = await RefusalAsync(tiny);
        Assert.Matches("^2[0-9]{2} images cannot be cut into partition.experts: 250 clusters. Give more images or ask for fewer experts.$", failure);
    }

    [Fact]
    public async Task ImagesThatAreAllTheSame()
    {
        using var tiny = new TinyRun();
        RewriteImages(tiny, _ => 100);
        // Copies fall on the same side of the held-out share: all of them are training images here.
        Assert.Equal(
            "240 images have only 1 different features: they cannot be cut into partition.experts: 2 clusters. Remove copies, give more images, or ask for fewer experts.",
            await RefusalAsync(tiny));
    }

    [Fact]
    public async Task FewerDifferentImagesThanFineCentroids()
    {
        using var tiny = new TinyRun(TinyFolder.DefaultSpec.Replace("fine: 4", "fine: 20", StringComparison.Ordinal));
        RewriteImages(tiny, row => (byte)(row % 8 * 30));
        Assert.Matches(
            "^partition.fine: 20 centroids were asked for, but [0-9]+ images have only [2-8] different features. Ask for at most [2-8], remove copies, or leave it out.$",
            await RefusalAsync(tiny));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task FeaturesThatAreNoNumbers(float bad)
    {
        using var tiny = new TinyRun();
        using (torch.NewDisposeScope())
        {
            // What a broken encoder would have left for the second shard.
            var features = torch.ones(100, 4);
            features[5, 1] = torch.tensor(bad);
            features[9, 3] = torch.tensor(bad);
            using var stream = new MemoryStream();
            TensorFile.Save(stream, [("features", features)]);
            await tiny.Blobs.TryWriteAsync(
                BlobNames.Features(TinyRun.Name, 1), stream.ToArray(), WriteCondition.IfAbsent, TestContext.Current.CancellationToken);
        }

        Assert.Equal(
            "2 of 100 images of a shard have features that are NaN or infinite (the first is row 105 of the data). Look at these images and at the encoder's " +
            "weights; nothing was clustered.",
            await RefusalAsync(tiny));
    }

    [Fact]
    public async Task OneClassIsNoObstacle()
    {
        using var tiny = new TinyRun();
        var labels = Path.Combine(Path.GetDirectoryName(tiny.SpecFile)!, "pictures", "labels-idx1-ubyte");
        var bytes = await File.ReadAllBytesAsync(labels, TestContext.Current.CancellationToken);
        bytes.AsSpan(8).Clear();
        await File.WriteAllBytesAsync(labels, bytes, TestContext.Current.CancellationToken);

        Assert.Equal((RunStatus.Succeeded, null), await OutcomeAsync(tiny)); // clusters are cut by features; a class is a label that goes with them
    }

    private static async Task<string> RefusalAsync(TinyRun tiny)
    {
        var (status, failure) = await OutcomeAsync(tiny);
        Assert.Equal(RunStatus.Failed, status);
        var token = TestContext.Current.CancellationToken;
        Assert.False(await tiny.Blobs.ExistsAsync(BlobNames.PartitionCentroids(TinyRun.Name), token));
        Assert.False(await tiny.Blobs.ExistsAsync(BlobNames.PartitionManifest(TinyRun.Name), token));
        Assert.Equal(3, Directory.GetFiles(Path.Combine(tiny.Home, "datasets"), "*.tar", SearchOption.AllDirectories).Length); // nothing lost
        Assert.DoesNotContain("   at ", failure, StringComparison.Ordinal);
        return failure!;
    }

    private static async Task<(RunStatus Status, string? Failure)> OutcomeAsync(TinyRun tiny)
    {
        var document = await tiny.RunAsync();
        return (document.Status, document.Failure);
    }

    private static void RewriteImages(TinyRun tiny, Func<int, byte> shade)
    {
        var path = Path.Combine(Path.GetDirectoryName(tiny.SpecFile)!, "pictures", "images-idx3-ubyte");
        var bytes = File.ReadAllBytes(path);
        for (var i = 16; i < bytes.Length; i++)
        {
            bytes[i] = shade((i - 16) / 64);
        }

        File.WriteAllBytes(path, bytes);
    }
}
