// torch's thread count and its tensor counter belong to the process
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
