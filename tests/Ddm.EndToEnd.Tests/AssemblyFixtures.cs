[assembly: AssemblyFixture(typeof(Ddm.Tests.SharedServers))]
