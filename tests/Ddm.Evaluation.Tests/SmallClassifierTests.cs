using System.Diagnostics;
using System.IO.Compression;
using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Evaluation.Tests;

public sealed class SmallClassifierTests
{
    private static readonly SmallClassifierOptions Small = new() { Epochs = 4, Width = 8, Batch = 32, LearningRate = 5e-3 };

    [Theory]
    [InlineData(1, 12)]
    [InlineData(3, 17)]
    public void LearnsWhatCanBeSeen(int channels, int size)
    {
        using var classifier = Train(Stripes(400, channels, size, seed: 1), 3, Small);
        var result = ClassAgreement.Measure(classifier, Stripes(120, channels, size, seed: 2));
        Assert.InRange(result.Overall, 0.95, 1);
        Assert.Equal(120, result.Pictures);
        Assert.Equal(120, result.Confusion.Sum(row => row.Sum()));
    }

    [Fact]
    public void IsAFunctionOfRowsAndSeed()
    {
        var rows = Stripes(100, 1, 8, seed: 1);
        var options = Small with { Epochs = 1 };
        Assert.Equal(Weights(options), Weights(options));
        Assert.NotEqual(Weights(options), Weights(options with { Seed = 1 }));

        float[] Weights(SmallClassifierOptions chosen)
        {
            using var classifier = Train(rows, 3, chosen);
            return [.. classifier.Parameters.SelectMany(parameter => parameter.data<float>().ToArray())];
        }
    }

    [Fact]
    public void RowsWithoutLabelAreLeftOut()
    {
        var rows = Stripes(60, 1, 8, seed: 1);
        Array.Fill(rows.Labels, -1, 30, 30);
        using var classifier = Train(rows, 3, Small with { Epochs = 1 });
        Assert.All(classifier.Parameters, parameter => Assert.True(parameter.isfinite().all().item<bool>()));
        Assert.Throws<ArgumentException>(() => Train(new EvaluationRows(new byte[64], 1, 8, [-1]), 3));
        Assert.Throws<ArgumentException>(() => Train(new EvaluationRows(new byte[64], 1, 8, [3]), 3));
    }

    [Fact]
    public void ImagesOfAnotherShapeAreRefused()
    {
        using var classifier = Train(Stripes(30, 1, 8, seed: 1), 3, Small with { Epochs = 1 });
        using var images = zeros(2, 3, 8, 8);
        Assert.Throws<ArgumentException>(() => classifier.Predict(images));
    }

    [Fact]
    public void KeepsNoTensor()
    {
        var rows = Stripes(60, 1, 8, seed: 1);
        Use();
        var before = Tensor.TotalCount;
        Use();
        Assert.Equal(before, Tensor.TotalCount);

        void Use()
        {
            using var classifier = Train(rows, 3, Small with { Epochs = 1 });
            using var images = rows.Images(0, 60);
            ClassAgreement.Measure(classifier, images, rows.Labels);
        }
    }

    [Fact]
    public void AgreementCountsWhatWasAskedAndFound()
    {
        var result = ClassAgreement.Tally(3, [0, 0, 1, 1], [0, 1, 1, 1], null);
        Assert.Equal(0.75, result.Overall);
        Assert.Equal([0.5, 1, double.NaN], result.PerClass);
        Assert.Equal(0.5, result.WorstClass);
        Assert.Equal([1, 1, 0], result.Confusion[0]);
        Assert.Throws<ArgumentException>(() => ClassAgreement.Tally(3, [3], [0], null));
    }

    [Fact]
    public void DrawnPicturesAreJudgedAsBytes()
    {
        using var drawn = tensor(new[] { -7f, -0.999f, 0.001f, 3f });
        using var seen = EightBit.Quantize(drawn);
        Assert.Equal([-1f, -1f, (128 / 127.5f) - 1, 1f], seen.data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    [Trait("Category", "Long")]
    public void ReadsFashionMnist()
    {
        var (pixels, labels) = (ReadGzip("images-idx3-ubyte.gz", 16), ReadGzip("labels-idx1-ubyte.gz", 8));
        var clock = Stopwatch.StartNew();
        using var classifier = Train(Rows(0, 9500), 10);
        var seconds = clock.Elapsed.TotalSeconds;
        var result = ClassAgreement.Measure(classifier, Rows(9500, 500));
        TestContext.Current.SendDiagnosticMessage($"{seconds:F1} s, held out {result.Overall:P1}, worst {result.WorstClass:P1}");
        Assert.InRange(result.Overall, 0.86, 1);

        EvaluationRows Rows(int first, int count)
            => new(pixels[(first * 784)..((first + count) * 784)], 1, 28, [.. labels[first..(first + count)].Select(label => (long)label)]);
    }

    private static SmallClassifier Train(EvaluationRows rows, int classes, SmallClassifierOptions? options = null)
        => SmallClassifier.Train(rows, classes, options, TestContext.Current.SendDiagnosticMessage, TestContext.Current.CancellationToken);

    private static byte[] ReadGzip(string file, int header)
    {
        using var gzip = new GZipStream(File.OpenRead(Path.Combine(Repository.Sample("fashion-mnist"), file)), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        gzip.CopyTo(memory);
        return memory.ToArray()[header..];
    }

    // Stripes across, stripes down, or neither, under noise.
    private static EvaluationRows Stripes(int count, int channels, int size, int seed)
    {
        var noise = Tensors.Philox.Create(seed, 0, 99);
        var labels = Enumerable.Range(0, count).Select(row => (long)(row % 3)).ToArray();
        var pixels = new byte[count * channels * size * size];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y, label) = (i % size, i / size % size, labels[i / (channels * size * size)]);
            var on = label == 0 ? x % 4 < 2 : label == 1 ? y % 4 < 2 : (x + y) % 4 < 2;
            pixels[i] = (byte)((on ? 150 : 30) + (100 * noise.Uniform(0, (uint)i)));
        }

        return new EvaluationRows(pixels, channels, size, labels);
    }
}
