using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Storage.Tests;

/// <summary>What a connection may look like, and what is said of one that is wrong.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class BlobStoresTests(AzuriteProcess azurite)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFolderIsAFolder()
    {
        using var folder = new TestFolder();
        var store = Assert.IsType<FileBlobStore>(BlobStores.Open(folder.Path));
        await store.TryWriteAsync("x", "1"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.True(File.Exists(Path.Combine(folder.Path, "x")));
        Assert.False(BlobStores.IsRemote("a=b/c d"));
        Assert.False(BlobStores.IsRemote(@"C:\a"));
        Assert.False(BlobStores.IsRemote("C://a"));
    }

    [Fact]
    public async Task TheContainerIsNamedInTheStringOrElseDdm()
    {
        var named = azurite.ConnectionString(AzuriteProcess.NewContainer());
        var unnamed = named[..named.LastIndexOf(';')];
        var aspire = $"Endpoint=\"{unnamed}\";ContainerName={named[(named.LastIndexOf('=') + 1)..]}";
        await BlobStores.Open(named).TryWriteAsync("x", "named"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.Equal("named"u8.ToArray(), (await BlobStores.Open(aspire).ReadAsync("x", Cancel))!.Bytes);
        await BlobStores.Open(unnamed).TryWriteAsync("x", "unnamed"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.Equal("unnamed"u8.ToArray(), (await new BlobContainerClient(unnamed, "ddm").GetBlobClient("x").DownloadContentAsync(Cancel)).Value.Content.ToArray());
    }

    [Theory]
    [InlineData("https://cats.blob.core.windows.net", "container 'ddm' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("https://cats.blob.core.windows.net/", "container 'ddm' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("https://cats.blob.core.windows.net/runs", "container 'runs' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("https://cats.blob.core.windows.net/runs/", "container 'runs' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("Endpoint=https://cats.blob.core.windows.net/;ContainerName=runs", "container 'runs' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("https://cats.blob.core.windows.net/runs?sv=2025-01-05&sr=c&sp=rl&se=2030-01-01T00:00:00Z&sig=abc%3D", "container 'runs' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("DefaultEndpointsProtocol=https;AccountName=cats;AccountKey=AAAA;EndpointSuffix=core.windows.net", "container 'ddm' of storage account 'cats' (cats.blob.core.windows.net)")]
    [InlineData("UseDevelopmentStorage=true", "container 'ddm' of storage account 'devstoreaccount1' (127.0.0.1:10000)")]
    public void AnAddressIsUnderstood(string connection, string place) =>
        Assert.Equal(place, Assert.IsType<AzureBlobStore>(BlobStores.Open(connection)).Place);

    [Theory]
    [InlineData(null, "is empty")]
    [InlineData(" ", "is empty")]
    [InlineData("AccountName=cats;AccountKey=c2VjcmV0IQ", "a part is missing or malformed")]
    [InlineData("AccountName=cats;AccountKey=c2VjcmV0IQ==;ContainerName=Bad_Name", "'Bad_Name' names no container")]
    [InlineData("AccountKey=c2VjcmV0IQ==", "neither AccountName, BlobEndpoint nor Endpoint")]
    [InlineData("ContainerName=cats", "neither AccountName, BlobEndpoint nor Endpoint")]
    [InlineData("https://cats.blob.core.windows.net/runs/more", "'more' behind the container's name")]
    [InlineData("https://cats.blob.core.windows.net/a--b", "'a--b' names no container")]
    [InlineData("http://cats.blob.core.windows.net/runs", "needs https")]
    [InlineData("ftp://cats/runs", "not an https address")]
    [InlineData("Endpoint=nowhere;ContainerName=runs", "not an https address")]
    public void AWrongConnectionIsNamedWithoutItsKey(string? connection, string says)
    {
        var error = Assert.Throws<UserErrorException>(() => BlobStores.Open(connection));
        Assert.StartsWith("ConnectionStrings:blobs ", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0IQ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AWrongKeyIsAMistakeOfItsUser()
    {
        const string Wrong = "c2VjcmV0IQ==";
        var good = azurite.ConnectionString(AzuriteProcess.NewContainer());
        var parts = good.Split(';').Select(part => part.StartsWith("AccountKey=", StringComparison.Ordinal) ? "AccountKey=" + Wrong : part);
        var store = BlobStores.Open(string.Join(';', parts), "--blobs");
        Func<Task>[] calls =
        [
            () => store.TryWriteAsync("x", new byte[1], WriteCondition.IfAbsent, Cancel), () => store.ReadAsync("x", Cancel), () => store.OpenReadAsync("x", Cancel),
            () => store.ExistsAsync("x", Cancel), () => store.DeleteAsync("x", Cancel), () => store.ListAsync("", Cancel).ToListAsync(Cancel).AsTask(),
            () => store.ReadClockAsync(Cancel),
        ];
        foreach (var call in calls)
        {
            var error = await Assert.ThrowsAsync<UserErrorException>(call);
            Assert.Contains("Check the key", error.Message, StringComparison.Ordinal);
            Assert.True(error.MayPass); // one machine's key is no run's fault
            Assert.Contains("--blobs", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Wrong, error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ASignatureOpensWhatItIsSignedFor()
    {
        var connection = azurite.ConnectionString(AzuriteProcess.NewContainer());
        var owner = BlobStores.Open(connection);
        await owner.TryWriteAsync("x", "1"u8.ToArray(), WriteCondition.Any, Cancel);
        var writer = BlobStores.Open(Signed(connection, BlobContainerSasPermissions.Read | BlobContainerSasPermissions.Write | BlobContainerSasPermissions.List));
        var reader = BlobStores.Open(Signed(connection, BlobContainerSasPermissions.Read | BlobContainerSasPermissions.List));

        Assert.NotNull(await writer.TryWriteAsync("x", "2"u8.ToArray(), WriteCondition.IfMatch((await writer.ReadAsync("x", Cancel))!.ETag), Cancel));
        Assert.Equal("2"u8.ToArray(), (await reader.ReadAsync("x", Cancel))!.Bytes);
        Assert.Single(await reader.ListAsync("", Cancel).ToListAsync(Cancel));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => reader.TryWriteAsync("x", "3"u8.ToArray(), WriteCondition.Any, Cancel));
        Assert.Contains("refuses to write x", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sig=", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AContainerThatMayNotBeCreatedIsSaidSo()
    {
        var store = BlobStores.Open(Signed(azurite.ConnectionString(AzuriteProcess.NewContainer()), BlobContainerSasPermissions.All));
        Assert.Null(await store.ReadAsync("x", Cancel));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => store.TryWriteAsync("x", "1"u8.ToArray(), WriteCondition.Any, Cancel));
        Assert.Contains("refuses to create the container", error.Message, StringComparison.Ordinal);
    }

    private static string Signed(string connection, BlobContainerSasPermissions permissions)
    {
        var container = connection[(connection.LastIndexOf('=') + 1)..];
        var client = new BlobContainerClient(connection[..connection.LastIndexOf(';')], container);
        return client.GenerateSasUri(permissions, TimeProvider.System.GetUtcNow().AddHours(1)).ToString();
    }
}
