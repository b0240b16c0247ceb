using static TorchSharp.torch;

namespace Ddm.Tensors.Tests;

/// <summary>float32 of a file that is kept as bfloat16: rounded as libtorch rounds, whichever way it is read.</summary>
public class BFloat16LoadTests
{
    [Theory]
    [InlineData(7, false)]
    [InlineData(1_300_001, false)] // more than a piece, and no whole number of registers
    [InlineData(1_300_001, true)] // read at several places at once
    public void ItIsRoundedAsLibtorchRounds(int count, bool asFile)
    {
        using var scope = NewDisposeScope();
        var values = NoiseTensor.Normal(Philox.Create(1, 2, 3), 0, 0, 1, [count]).view(-1);
        values.narrow(0, 0, 7).copy_(tensor([1f + (1f / 256), 1f + (3f / 256), -1f - (1f / 256), 0f, -0f, 1e-40f, -3.3e38f])); // two ties, zeros, one below the smallest normal, one near the end
        var (rounded, whole) = (empty(count, ScalarType.BFloat16), empty(count));
        var path = Path.GetTempFileName();
        try
        {
            using (Stream stream = asFile ? new FileStream(path, FileMode.Open) : new MemoryStream())
            {
                TensorFile.Save(stream, [("w", values), ("b", values)]);
                stream.Position = 0;
                TensorFile.LoadInto(stream, new Dictionary<string, Tensor> { ["w"] = rounded, ["b"] = whole }, []);
            }

            Assert.Equal(values.to(ScalarType.BFloat16).bytes.ToArray(), rounded.bytes.ToArray());
            Assert.Equal(values.bytes.ToArray(), whole.bytes.ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.MaxValue)] // finite, but no bfloat16 holds it
    public void WhatIsOrBecomesInfiniteIsRefused(float value)
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        TensorFile.Save(stream, [("w", tensor([1f, value, 2f]))]);
        stream.Position = 0;

        var error = Assert.Throws<InvalidDataException>(() => TensorFile.LoadInto(stream, new Dictionary<string, Tensor> { ["w"] = empty(3, ScalarType.BFloat16) }, []));

        Assert.Contains("'w'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingElseIsRoundedUnasked()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        TensorFile.Save(stream, [("w", ones(3, ScalarType.Float64))]);
        stream.Position = 0;

        Assert.Throws<InvalidDataException>(() => TensorFile.LoadInto(stream, new Dictionary<string, Tensor> { ["w"] = empty(3, ScalarType.BFloat16) }, []));
    }
}
