using Ddm.Tests;

namespace Ddm.Storage.Tests;

/// <summary>The classes that share one Azurite, each test in a container of its own.</summary>
[CollectionDefinition(Name)]
public sealed class AzuriteCollection : ICollectionFixture<AzuriteProcess>
{
    public const string Name = "Azurite";
}
