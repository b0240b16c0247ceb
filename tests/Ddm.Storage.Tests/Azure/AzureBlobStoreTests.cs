using Ddm.Tests;

namespace Ddm.Storage.Tests;

[Collection(AzuriteCollection.Name)]
public sealed class AzureBlobStoreTests(AzuriteProcess azurite) : BlobStoreContract
{
    private readonly string _connection = azurite.ConnectionString(AzuriteProcess.NewContainer());

    private protected override IBlobStore Open() => BlobStores.Open(_connection);
}
