namespace Ddm.Storage.Tests;

public sealed class HashingStreamTests
{
    /// <summary>Small writes are hashed on the way, from 256 KiB on beside the write.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData((1 << 18) - 1)]
    [InlineData(1 << 18)]
    [InlineData(3_000_000)]
    public void WhatPassesIsCountedAndHashed(int length)
    {
        var bytes = Enumerable.Range(0, length).Select(i => (byte)(i * 31 / 7)).ToArray();
        using var below = new MemoryStream();
        using var hashing = new HashingStream(below);
        hashing.Write(bytes);
        hashing.Write(bytes, 0, 1);

        byte[] all = [.. bytes, bytes[0]];
        Assert.Equal(all, below.ToArray());
        Assert.Equal((all.Length, all.Length, Sha256.Of(all)), (hashing.Length, hashing.Position, hashing.Sha256));
        Assert.Equal((false, false, true), (hashing.CanRead, hashing.CanSeek, hashing.CanWrite));
    }

    [Fact]
    public void AWriteThatFailsBelowFails() =>
        Assert.Throws<NotSupportedException>(() => new HashingStream(new MemoryStream(new byte[4], writable: false)).Write(new byte[1 << 18]));

    [Fact]
    public void TheStreamBelowStaysOpen()
    {
        using var below = new MemoryStream();
        new HashingStream(below).Dispose();
        Assert.True(below.CanWrite);
    }
}
