using Ddm.Gateway.Tests;

// What waits and runs is counted a process: gateways side by side would see each other's.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(TinyModel))]
