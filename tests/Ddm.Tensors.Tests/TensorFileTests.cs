using static TorchSharp.torch;

namespace Ddm.Tensors.Tests;

public class TensorFileTests
{
    public static TheoryData<ScalarType> Types =>
    [
        ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float64, ScalarType.Byte,
        ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Bool,
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryTypeComesBackBitForBit(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var matrix = NoiseTensor.Normal(Philox.Create(1, 2, 3), 0, 0, 5, [7]).mul(50).to(type);
        (string, Tensor)[] saved = [("b.matrix", matrix), ("a.scalar", matrix[2, 3]), ("c.none", empty(0, 4, dtype: type)), ("d.transposed", matrix.t())];

        var file = Save(saved, new Dictionary<string, string> { ["step"] = "7" });
        using var loaded = TensorFile.Load(file);

        Assert.Equal("7", loaded.Metadata["step"]);
        Assert.Equal(saved.Length, loaded.Tensors.Count);
        foreach (var (name, tensor) in saved)
        {
            Assert.Equal(tensor.shape, loaded.Tensors[name].shape);
            Assert.Equal(type, loaded.Tensors[name].dtype);
            Assert.Equal(tensor.contiguous().bytes.ToArray(), loaded.Tensors[name].bytes.ToArray());
        }
    }

    [Fact]
    public void NotANumberIsCarriedAndFoundOnlyWhenAskedFor()
    {
        using var scope = NewDisposeScope();
        using var loaded = TensorFile.Load(Save([("good", ones(3)), ("bad", tensor([1f, float.NaN])), ("whole", ones(2, ScalarType.Int64))]));
        var error = Assert.Throws<InvalidDataException>(loaded.RequireFinite);
        Assert.Contains("'bad'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireNamesWhatIsMissingOrOfAnotherShape()
    {
        using var scope = NewDisposeScope();
        using var loaded = TensorFile.Load(Save([("weight", ones(3, 2))]));
        Assert.Equal(6, loaded.Require("weight", [3, 2]).numel());
        Assert.Contains("'bias' is missing", Assert.Throws<InvalidDataException>(() => loaded.Require("bias", [3])).Message, StringComparison.Ordinal);
        Assert.Contains("'weight' is Float32 [3, 2]", Assert.Throws<InvalidDataException>(() => loaded.Require("weight", [2, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("Float64", Assert.Throws<InvalidDataException>(() => loaded.Require("weight", [3, 2], ScalarType.Float64)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadedTensorsOutliveTheScopeAndDieWithTheBundle()
    {
        var file = Save([("weight", ones(3))]);
        var before = Tensor.TotalCount;
        TensorBundle loaded;
        using (NewDisposeScope())
        {
            loaded = TensorFile.Load(file);
        }

        Assert.Equal(3, loaded.Tensors["weight"].sum().item<float>());
        loaded.Dispose();
        Assert.True(loaded.Tensors["weight"].IsInvalid);
        Assert.InRange(Tensor.TotalCount, 0, before + 1); // the sum above waits for the collector
    }

    [Fact]
    public void TensorsBeyondOnePieceAreCutAndJoined()
    {
        using var scope = NewDisposeScope();
        var large = arange(0, (1 << 23) + 5, ScalarType.Int64).add(1L << 40); // 64 MB and 40 bytes
        using var loaded = TensorFile.Load(Save([("large", large), ("after", ones(1))]));
        Assert.True(loaded.Tensors["large"].equal(large).all().item<bool>());
        Assert.Equal(1f, loaded.Tensors["after"].item<float>());
    }

    [Fact]
    [Trait("Category", "Long")]
    public void TensorsBeyondTwoGigabytesGoThrough()
    {
        using var scope = NewDisposeScope();
        var large = zeros((1L << 31) + 3, ScalarType.Byte);
        large[(1L << 31) + 1] = 200;
        using var file = new SparseStream();
        TensorFile.Save(file, [("large", large)]);
        file.Position = 0;
        large.Dispose();

        using var loaded = TensorFile.Load(file);
        Assert.Equal((1L << 31) + 3, loaded.Tensors["large"].numel());
        Assert.Equal(200, loaded.Tensors["large"][(1L << 31) + 1].item<byte>());
    }

    private static MemoryStream Save(IReadOnlyList<(string, Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var stream = new MemoryStream();
        TensorFile.Save(stream, tensors, metadata);
        stream.Position = 0;
        return stream;
    }
}
