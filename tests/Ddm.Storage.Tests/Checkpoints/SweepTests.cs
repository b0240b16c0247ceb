namespace Ddm.Storage.Tests;

public sealed class SweepTests() : SweepContract(new MemoryBlobStore());
