using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;

namespace Ddm.Services.Tests;

/// <summary>Runs whose images are clustered by a published encoder's features.</summary>
public class PublishedEncoderTests
{
    private static readonly string Weights = Path.Combine(FixtureFolders.InRepository(), "dinov2-hub-reg4");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunClustersByDinoV2AndNeedsTheWeightsFileNoMore()
    {
        using var tiny = new TinyRun(Spec($"{{ encoder: dinov2, weights: {Weights}, pooling: mean }}"));
        var document = await tiny.RunAsync();
        Assert.Equal((RunStatus.Succeeded, null), (document.Status, document.Failure));
        var shard = await tiny.Blobs.ReadAsync(BlobNames.Features(TinyRun.Name, 1), Cancel);
        using var features = TensorFile.Load(new MemoryStream(shard!.Bytes.ToArray()));
        Assert.Equal([100, 48], features.Tensors["features"].shape);
        var encoder = await tiny.Blobs.ReadAsync(BlobNames.Encoder(TinyRun.Name), Cancel);
        using var copied = TensorFile.Load(new MemoryStream(encoder!.Bytes.ToArray()));
        Assert.Contains("blocks.0.attn.qkv.weight", copied.Tensors.Keys);
    }

    [Theory]
    [InlineData("{ encoder: dinov2, weights: nowhere }", "There are no weights at ")]
    [InlineData("{ encoder: dinov2 }", "the encoder 'dinov2' needs its weights")]
    [InlineData("{ encoder: pixels, weights: nowhere }", "the encoder 'pixels' has no weights")]
    [InlineData("{ encoder: onnx, weights: nowhere.onnx }", "There is no ONNX model at ")]
    public async Task WeightsThatCannotBeAreRefusedBeforeAnythingIsWritten(string features, string message)
    {
        using var tiny = new TinyRun(Spec(features));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => tiny.RunAsync());
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(await tiny.Blobs.ExistsAsync(BlobNames.RunDocument(TinyRun.Name), Cancel));
        var found = await SpecValidation.CheckAsync(tiny.SpecText, tiny.SpecFile, tiny.Blobs, lookAtData: true, Cancel);
        Assert.Contains(found.Mistakes, mistake => mistake.Text.Contains(message, StringComparison.Ordinal));
    }

    private static string Spec(string features) => $"{TinyFolder.DefaultSpec}\nfeatures: {features}\n";
}
