namespace Ddm.Storage.Tests;

public sealed class CommitTests() : CommitContract(new MemoryBlobStore());
