using System.Text;

namespace Ddm.Storage.Tests;

public sealed class BlobJsonTests
{
    private readonly MemoryBlobStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARecordComesBackWithTheETagToSwapItBy()
    {
        var head = new RoleHead { Schema = 1, Epoch = 3, Step = 40, Checkpoint = "runs/é/" };
        var etag = await _store.TryWriteJsonAsync("head.json", head, WriteCondition.IfAbsent, Cancel);
        Assert.Equal((head, etag!), await _store.ReadJsonAsync<RoleHead>("head.json", Cancel));
        Assert.Null(await _store.TryWriteJsonAsync("head.json", head, WriteCondition.IfAbsent, Cancel));
        Assert.Null(await _store.ReadJsonAsync<RoleHead>("none.json", Cancel));
    }

    [Fact]
    public void TheTextIsForPeopleToo() => Assert.Equal(
        """
        {
          "epoch": 2,
          "worker": "é",
          "attempt": 1,
          "renewals": 0
        }

        """.ReplaceLineEndings("\n"),
        Encoding.UTF8.GetString(BlobJson.Serialize(new RoleOwner { Epoch = 2, Worker = "é", Attempt = 1, Renewals = 0 })));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"epoch":1,"worker":null,"attempt":1,"renewals":0}""")]
    [InlineData("""{"epoch":1,"epoch":2,"worker":"w","attempt":1,"renewals":0}""")]
    [InlineData("""{"epoch":"x","worker":"w","attempt":1,"renewals":0}""")]
    public void WhatIsNoRecordIsRefusedByName(string json)
    {
        var error = Assert.Throws<InvalidDataException>(() => BlobJson.Parse<RoleOwner>("runs/a/owner.json", Encoding.UTF8.GetBytes(json)));
        Assert.Contains("runs/a/owner.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FieldsOfNewerVersionsAreLeftAlone() => Assert.Equal(
        7,
        BlobJson.Parse<RoleOwner>("o", """{"epoch":7,"worker":"w","attempt":1,"renewals":0,"mood":"fine"}"""u8).Epoch);
}
