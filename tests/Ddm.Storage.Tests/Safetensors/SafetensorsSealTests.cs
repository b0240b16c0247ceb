namespace Ddm.Storage.Tests;

public sealed class SafetensorsSealTests
{
    private const string Name = "runs/cats/features/00000.safetensors";

    [Fact]
    public void ASealedFileHoldsTheSameTensorsAndMetadata()
    {
        var plain = File();
        var sealedFile = SafetensorsSeal.Apply(plain);
        Assert.Equal(sealedFile, SafetensorsSeal.Apply(sealedFile));
        Assert.Same(sealedFile, SafetensorsSeal.Check(Name, sealedFile));
        Assert.Same(plain, SafetensorsSeal.Check(Name, plain));
        var header = SafetensorsHeader.Parse(new MemoryStream(sealedFile));
        Assert.Equal(["seal", "step"], header.Metadata.Keys.Order());
        Assert.Equal(Enumerable.Range(0, 32).Select(i => (byte)i), sealedFile[(int)header.DataStart..]);
    }

    [Fact]
    public void EveryFlippedBitIsFoundOrChangesNothing()
    {
        var good = SafetensorsSeal.Apply(File());
        var (tensors, data) = Read(good);
        for (var bit = 0; bit < 8 * good.Length; bit++)
        {
            var bad = good.ToArray();
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal((tensors, data), Read(SafetensorsSeal.Check(Name, bad))); // the flip hit the seal's name
            }
            catch (InvalidDataException)
            {
                // found
            }
        }
    }

    [Fact]
    public void TheMessageNamesTheBlobAndBothHashes()
    {
        var bad = SafetensorsSeal.Apply(File());
        bad[^1] ^= 1;
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsSeal.Check(Name, bad));
        Assert.Matches($"^{Name} \\({bad.Length} bytes\\) was changed after it had been written: it has sha256 [0-9a-f]{{64}}, its seal says [0-9a-f]{{64}}\\.$", error.Message);
    }

    [Fact]
    public void TheSealIsTheHashWithZerosInItsPlace()
    {
        var text = System.Text.Encoding.Latin1.GetString(SafetensorsSeal.Apply(File()));
        var seal = text.Substring(text.IndexOf("\"seal\":\"", StringComparison.Ordinal) + 8, 64);
        Assert.Equal(Sha256.Of(System.Text.Encoding.Latin1.GetBytes(text.Replace(seal, new string('0', 64), StringComparison.Ordinal))), seal);
    }

    /// <summary>A published encoder has more bytes than an array can hold.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public void AFileLargerThanAnArrayIsSealedAndChecked()
    {
        const long Elements = (1L << 31) + 5;
        using var plain = Scratch();
        var header = System.Text.Encoding.ASCII.GetBytes($"{{\"big\":{{\"dtype\":\"U8\",\"shape\":[{Elements}],\"data_offsets\":[0,{Elements}]}}}}");
        plain.Write(BitConverter.GetBytes((ulong)header.Length));
        plain.Write(header);
        plain.SetLength(8 + header.Length + Elements); // zeros that take no place on the disk
        using var target = Scratch();
        SafetensorsSeal.Apply(plain, target);
        SafetensorsSeal.Check(Name, target);
        target.Position = target.Length - 1;
        target.WriteByte(1);
        Assert.Contains("was changed", Assert.Throws<InvalidDataException>(() => SafetensorsSeal.Check(Name, target)).Message, StringComparison.Ordinal);

        static FileStream Scratch() => new(
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
    }

    [Fact]
    public void WhatHoldsNoSealIsTakenAsItIs()
    {
        byte[][] files = [[], [1, 2, 3], new byte[8], [50, 0, 0, 0, 0, 0, 0, 0, .. "\"seal\":\"0"u8], [255, 255, 255, 255, 255, 255, 255, 255, .. "{}"u8]];
        Assert.All(files, file => Assert.Same(file, SafetensorsSeal.Check(Name, file)));
    }

    private static byte[] File()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(
            stream, [("features", "F32", [3, 2]), ("rows", "I64", [1])], new Dictionary<string, string> { ["step"] = "7" },
            (i, data) => data.Write([.. Enumerable.Range(i == 0 ? 0 : 24, i == 0 ? 24 : 8).Select(b => (byte)b)]));
        return stream.ToArray();
    }

    private static (string Tensors, string Data) Read(byte[] file)
    {
        var header = SafetensorsHeader.Parse(new MemoryStream(file));
        return (string.Join(";", header.Tensors.Select(t => $"{t.Name} {t.DType} {string.Join(",", t.Shape)} {t.Begin}")), Convert.ToHexString(file.AsSpan((int)header.DataStart)));
    }
}
