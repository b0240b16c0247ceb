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

    // sha256 of the same text without the seal's line and the comma before it
    private static string Seal => Sha256.Of("{\n  \"epoch\": 2,\n  \"worker\": \"é\",\n  \"attempt\": 1,\n  \"renewals\": 0\n}\n"u8);

    [Fact]
    public void TheTextIsForPeopleToo() => Assert.Equal(
        """
        {
          "epoch": 2,
          "worker": "é",
          "attempt": 1,
          "renewals": 0,
          "seal": "SEAL"
        }

        """.ReplaceLineEndings("\n").Replace("SEAL", Seal, StringComparison.Ordinal),
        Encoding.UTF8.GetString(BlobJson.Serialize(new RoleOwner { Epoch = 2, Worker = "é", Attempt = 1, Renewals = 0 })));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("\"\n}\n")]
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

    [Fact]
    public void EveryFlippedBitIsFoundOrChangesNothing()
    {
        var owner = new RoleOwner { Epoch = 2, Worker = "host:17", Attempt = 1, Renewals = 12345 };
        var good = BlobJson.Serialize(owner);
        var found = 0;
        for (var bit = 0; bit < 8 * good.Length; bit++)
        {
            var bytes = good.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal(owner, BlobJson.Parse<RoleOwner>("runs/a/owner.json", bytes)); // the flip hit the seal's name
            }
            catch (InvalidDataException error)
            {
                Assert.Contains("runs/a/owner.json", error.Message, StringComparison.Ordinal);
                found++;
            }
        }

        Assert.InRange(found, 8 * good.Length * 9 / 10, 8 * good.Length);
    }

    [Fact]
    public void ASealedDocumentMayBeEditedOnceItsSealIsLeftOut()
    {
        var text = Encoding.UTF8.GetString(BlobJson.Serialize(new RoleOwner { Epoch = 2, Worker = "w", Attempt = 1, Renewals = 0 }));
        var edited = text.Replace("\"epoch\": 2", "\"epoch\": 3", StringComparison.Ordinal);
        var error = Assert.Throws<InvalidDataException>(() => BlobJson.Parse<RoleOwner>("o", Encoding.UTF8.GetBytes(edited)));
        Assert.Contains("o (145 bytes) was changed after it had been written", error.Message, StringComparison.Ordinal);
        var unsealed = edited[..edited.IndexOf(",\n  \"seal\"", StringComparison.Ordinal)] + "\n}\n";
        Assert.Equal(3, BlobJson.Parse<RoleOwner>("o", Encoding.UTF8.GetBytes(unsealed)).Epoch);
    }
}
