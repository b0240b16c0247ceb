using System.Buffers.Binary;
using System.Text;

namespace Ddm.Storage.Tests;

public sealed class SafetensorsTests
{
    private static readonly Dictionary<string, string> s_none = [];

    [Fact]
    public void TheBytesAreThoseOfTheFormat()
    {
        var bytes = Write([("a", "F32", [2]), ("b", "U8", [])], new() { ["step"] = "7", ["arch"] = "DiT" }, (i, stream) => stream.Write(i == 0 ? [1, 2, 3, 4, 5, 6, 7, 8] : [9]));

        const string Header = """{"__metadata__":{"arch":"DiT","step":"7"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}""";
        var padded = Header.PadRight((Header.Length + 7) / 8 * 8);
        byte[] length = [(byte)padded.Length, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal([.. length, .. Encoding.UTF8.GetBytes(padded), 1, 2, 3, 4, 5, 6, 7, 8, 9], bytes);
    }

    [Fact]
    public void WhatIsWrittenIsReadInTheOrderOfItsData()
    {
        var bytes = Write([("z", "BF16", [3, 2]), ("ä", "I64", [0, 5]), ("a", "F64", [1])], new() { ["k"] = "\"v\"\n" }, (i, stream) => stream.Write(new byte[i == 0 ? 12 : i == 1 ? 0 : 8]));
        using var stream = new MemoryStream(bytes);
        var header = SafetensorsHeader.Parse(stream);
        Assert.Equal(["z", "ä", "a"], header.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([(0L, 12L), (12L, 12L), (12L, 20L)], header.Tensors.Select(tensor => (tensor.Begin, tensor.End)));
        Assert.Equal([0, 5], header.Tensors[1].Shape);
        Assert.Equal("\"v\"\n", header.Metadata["k"]);
        Assert.Equal(0, header.DataStart % 8);
        Assert.Equal(header.DataStart, stream.Position);
    }

    [Fact]
    public void NoTensorsIsAFileToo()
    {
        var header = SafetensorsHeader.Parse(new MemoryStream(Write([], s_none, (_, _) => { })));
        Assert.Empty(header.Tensors);
        Assert.Empty(header.Metadata);
        Assert.DoesNotContain("__metadata__", Encoding.UTF8.GetString(Write([], s_none, (_, _) => { })), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Tensor 'x.bias' was given 7 bytes where it has 8.", 7)]
    [InlineData("Tensor 'x.bias' was given more than its 8 bytes.", 9)]
    [InlineData("Tensor 'x.bias' was given more than its 8 bytes.", 6, 6)]
    public void AWriterThatMiscountsIsCaughtByTensor(string says, params int[] counts)
    {
        var error = Assert.Throws<InvalidOperationException>(
            () => Write([("x.bias", "F32", [2])], s_none, (_, stream) => Array.ForEach(counts, count => stream.Write(new byte[count]))));
        Assert.Equal(says, error.Message);
    }

    [Fact]
    public void ATensorMayBeWrittenInPieces() => Assert.Equal(
        Write([("a", "U8", [3])], s_none, (_, stream) => stream.Write([1, 2, 3])),
        Write([("a", "U8", [3])], s_none, (_, stream) =>
        {
            stream.Write([1]);
            stream.Write([2, 3]);
        }));

    [Fact]
    public void AFileMayStandBehindOtherBytesAndItsHeaderInAnotherOrderThanItsData()
    {
        var file = File("""{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"""u8.ToArray(), 3).ToArray();
        using var stream = new MemoryStream([7, 7, 7, .. file]) { Position = 3 };
        var header = SafetensorsHeader.Parse(stream);
        Assert.Equal(["a", "b"], header.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(file.Length, header.DataStart);
    }

    [Theory]
    [InlineData("a", "F32", 1, "named twice")]
    [InlineData("__metadata__", "F32", 1, "reserved")]
    [InlineData("b", "FLOAT", 1, "unknown dtype 'FLOAT'")]
    [InlineData("b", "F32", -1, "impossible shape [-1, 2]")]
    [InlineData("b", "F32", long.MaxValue, "impossible shape")]
    public void TensorsThatCannotBeAreRefused(string name, string dtype, long extent, string says)
    {
        var error = Assert.Throws<ArgumentException>(() => Write([("a", "F32", [1]), (name, dtype, [extent, 2])], s_none, (_, _) => { }));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "'a' ends at byte 8 of the data, which has 7")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "1 bytes behind its last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "'a' has data from 0 to 4, but F32 [2] takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "leaves a hole")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6, "'b' begins at byte 2 where 4 was due: it overlaps")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", 4, "'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0, "a")]
    [InlineData("""{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}""", 4, "'a': unknown dtype 'F99'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", 4, "'a': impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "'a': the safetensors header needs a dtype, a shape and two data_offsets, all whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "'a': the safetensors header needs")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "'a': the safetensors header needs")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "'a': the safetensors header needs")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}""", 4, "'a': the safetensors header needs")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", 4, "unexpected field 'more'")]
    [InlineData("""{"a":3}""", 0, "'a'")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "'k' is not a text")]
    [InlineData("""{"__metadata__":[]}""", 0, "not an object")]
    [InlineData("""[]""", 0, "begin with '{'")]
    [InlineData("""  {}""", 0, "begin with '{'")]
    [InlineData("""{"a":""", 0, "not valid JSON")]
    [InlineData("""{"a":[[[[[[[[[[[[1]]]]]]]]]]]]}""", 0, "not valid JSON")]
    [InlineData("", 0, "begin with '{'")]
    public void AFileThatLiesIsRefusedByTensor(string header, int data, string says)
    {
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Parse(File(Encoding.UTF8.GetBytes(header), data)));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LengthsThatLieAreRefusedBeforeMemoryIsTaken()
    {
        Assert.Contains("too few", Refusal([1, 2, 3]), StringComparison.Ordinal);
        Assert.Contains("cut off", Refusal([50, 0, 0, 0, 0, 0, 0, 0, (byte)'{']), StringComparison.Ordinal);
        Assert.Equal(
            "Not a safetensors file: it begins as a zip archive, as torch.save writes it (.pt, .pth, .bin). Such files can run code and are never read: "
                + "save the tensors with the safetensors library instead.",
            Refusal([.. "PK\x03\x04pick"u8]));
        Assert.Contains("begins as a Python pickle", Refusal([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9]), StringComparison.Ordinal);
        Assert.Contains("at most 100000000", Refusal([255, 255, 255, 255, 255, 255, 255, 255, 0]), StringComparison.Ordinal);

        static string Refusal(byte[] file) => Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Parse(new MemoryStream(file))).Message;
    }

    [Fact]
    public void NamesThatAreNotTextAreRefused()
    {
        byte[] invalid = [.. "{\""u8, 0xC3, 0x28, .. "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"u8];
        Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Parse(File(invalid, 0)));
        Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Parse(File("""{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"""u8.ToArray(), 0)));
    }

    [Fact]
    public void NoFlippedByteDoesAnythingButReadOrRefuse()
    {
        var good = Write([("layer.weight", "F32", [2, 3]), ("layer.bias", "I64", [1])], new() { ["step"] = "3" }, (i, stream) => stream.Write(new byte[i == 0 ? 24 : 8]));
        var refused = 0;
        for (var at = 0; at < good.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var bad = good.ToArray();
                bad[at] ^= (byte)(1 << bit);
                var error = Record.Exception(() => SafetensorsHeader.Parse(new MemoryStream(bad)));
                Assert.True(error is null or InvalidDataException, $"byte {at} bit {bit}: {error}");
                refused += error is null ? 0 : 1;
            }

            var cut = good[..at];
            Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Parse(new MemoryStream(cut)));
        }

        Assert.InRange(refused, 500, 8 * good.Length);
    }

    private static byte[] Write((string, string, long[])[] tensors, Dictionary<string, string> metadata, Action<int, Stream> data)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors, metadata, data);
        return stream.ToArray();
    }

    private static MemoryStream File(byte[] header, int data)
    {
        var bytes = new byte[8 + header.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes, 8);
        return new MemoryStream(bytes);
    }
}
