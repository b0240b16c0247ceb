using Ddm.Tests;

namespace Ddm.Storage.Tests;

[Collection(AzuriteCollection.Name)]
public sealed class CommitOnAzureTests(AzuriteProcess azurite) : CommitContract(BlobStores.Open(azurite.ConnectionString(AzuriteProcess.NewContainer())));

[Collection(AzuriteCollection.Name)]
public sealed class SweepOnAzureTests(AzuriteProcess azurite) : SweepContract(BlobStores.Open(azurite.ConnectionString(AzuriteProcess.NewContainer())));
