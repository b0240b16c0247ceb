namespace Ddm.Storage.Tests;

public class BlobNameTests
{
    [Theory]
    [InlineData("run.json")]
    [InlineData("runs/fashion-mnist_1/experts/0/checkpoints/0000000300-2/ema.safetensors")]
    [InlineData("a.b..c/-/_")]
    public void PlainNamesAreNames(string name) => Assert.Equal(name, BlobName.Check(name));

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData(".locks/blob-01.lock")]
    [InlineData("a/.hidden")]
    [InlineData("a/ends.")]
    [InlineData("a\\b")]
    [InlineData("C:/x")]
    [InlineData("a b")]
    [InlineData("a~1")]
    [InlineData("a\0b")]
    [InlineData("café")]
    [InlineData("a\u202eb")]
    public void OthersAreRefusedWithTheirText(string name)
    {
        Assert.False(BlobName.IsValid(name));
        Assert.Contains($"'{name}'", Assert.Throws<ArgumentException>(() => BlobName.Check(name)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongNamesAreRefused()
    {
        Assert.True(BlobName.IsValid(new string('a', 512)));
        Assert.False(BlobName.IsValid(new string('a', 513)));
        Assert.StartsWith($"'{new string('a', 64)}...' is no blob name", Assert.Throws<ArgumentException>(() => BlobName.Check(new string('a', 513))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APrefixIsTheBeginningOfANameOrEmpty()
    {
        Assert.Equal("", BlobName.CheckPrefix(""));
        Assert.Equal("runs/", BlobName.CheckPrefix("runs/"));
        Assert.Equal("runs/ca", BlobName.CheckPrefix("runs/ca"));
        Assert.Throws<ArgumentException>(() => BlobName.CheckPrefix("/"));
        Assert.Throws<ArgumentException>(() => BlobName.CheckPrefix("../"));
        Assert.Throws<ArgumentException>(() => BlobName.CheckPrefix("runs//"));
    }
}
